/** The signals that ask a process to end, and the number a shell adds to 128 when one of them ended it. */
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const

/**
 * Aborts at the first SIGTERM or SIGINT, with the signal's name as reason; a second one ends the process at once
 * with 128 + its number, as a shell reports it. Without this a Node that is PID 1 ignores SIGTERM.
 */
export function untilSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + SIGNAL_NUMBERS[name])
      controller.abort(name)
    })
  }
  return controller.signal
}
