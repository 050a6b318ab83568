import { inspect } from 'node:util'
import { createLog, type Logger } from '@uds-sidecar/shared/lifecycle/log'

/** A log that prints nothing and keeps all that it was told, errors with their stacks and causes included. */
export function recordedLog(): { readonly log: Logger; text(): string } {
  const entries: string[] = []
  const log = createLog('test', 'silent')
  for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const)
    log[level] = (...args: unknown[]) => void entries.push(`${level} ${inspect(args, { depth: 9 })}`)
  return { log, text: () => entries.join('\n') }
}
