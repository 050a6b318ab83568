import { writeSync } from 'node:fs'
import { type Logger, pino, stdTimeFunctions } from 'pino'
import { errnoOf } from '../failure/failure.ts'
import type { LogThreshold } from './log-levels.ts'

export { LOG_LEVELS, type LogThreshold } from './log-levels.ts'
export type { Logger }

/**
 * A log that writes one JSON object a line to stdout: `level`, `time` (ISO 8601), `service`, `msg` and the fields of the
 * event. It never ends the process.
 * @param service the value of `service` in each line
 * @param level the lowest level that is written
 */
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
 * Writes a line, or drops it if that fails. Pino's own destination would end the process on a full disk, or wait for
 * space for ever. For a slow reader it waits up to 1 s.
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

/** @returns the number of bytes; 0 if another try may succeed, undefined if not. Neither can be logged. */
function bytesWritten(bytes: Buffer): number | undefined {
  try {
    return writeSync(STDOUT, bytes)
  } catch (error) {
    return errnoOf(error) === 'EAGAIN' ? 0 : undefined
  }
}
