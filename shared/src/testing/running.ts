import { once } from 'node:events'
import { Failure } from '../failure/failure.ts'
import { runMain, untilSignal } from '../lifecycle/run-main.ts'

/** A program that ends in one of several ways: `node running.ts end | fail | colour | break | wait | linger`. */
const MAINS: Record<string, () => Promise<void>> = {
  end: async () => undefined,
  fail: async () => {
    throw new Failure('in_use', { message: 'another owns it', hint: 'stop it', errno: 'EADDRINUSE' })
  },
  colour: async () => {
    throw new Failure('in_use', { message: 'on /\u001b[31m\u009bs', hint: 'stop \r\u202eit' })
  },
  break: async () => {
    throw new Error('a defect')
  },
  wait: waitForSignal,
  linger: async () => {
    const stay = setInterval(() => undefined, 1_000)
    await waitForSignal()
    stay.ref()
  },
}

async function waitForSignal(): Promise<void> {
  const signal = untilSignal()
  process.on('message', () => undefined) // keeps it alive
  process.send?.('waiting')
  await once(signal, 'abort')
  process.send?.(signal.reason)
  process.removeAllListeners('message')
}

await runMain('running', MAINS[process.argv[2] ?? ''] ?? MAINS.break ?? waitForSignal)
process.channel?.unref()
