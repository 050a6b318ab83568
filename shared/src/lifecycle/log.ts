import { writeSync } from 'node:fs'
import { type Logger, pino, stdTimeFunctions } from 'pino'
import { errnoOf } from '../failure/failure.ts'
import type { LogThreshold } from './log-levels.ts'

export { LOG_LEVELS, type LogThreshold } from './log-levels.ts'
export type { Logger }

/** One JSON object a line on stdout: `level`, `time` (ISO 8601), `service`, `msg` and what belongs to the event. */
export function createLog(service: string, level: LogThreshold): Logger {
  const options = {
    level,
    base: { service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return pino(options, { write: writeLine })
}

const STDOUT = 1
const RETRY_MS = 10
const RETRIES = 100

/**
 * A line that cannot be written is lost, and nothing else: pino's own destination ends the process where the disk is
 * full, and then waits for ever for room on it. A reader that is slow is waited for, a second at most.
 */
function writeLine(line: string): void {
  let rest = Buffer.from(line)
  for (let tries = 0; rest.length > 0 && tries < RETRIES; tries++) {
    const written = bytesWritten(rest)
    if (written === undefined) return
    if (written === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    rest = rest.subarray(written)
  }
}

/** @returns how many bytes; 0 where trying again may help, undefined where it does not: there is nobody to tell. */
function bytesWritten(bytes: Buffer): number | undefined {
  try {
    return writeSync(STDOUT, bytes)
  } catch (error) {
    return errnoOf(error) === 'EAGAIN' ? 0 : undefined
  }
}
