import { type Logger, pino, stdTimeFunctions } from 'pino'
import type { LogThreshold } from './log-levels.ts'
import { LogOutput } from './log-output.ts'

export { LOG_LEVELS, type LogThreshold } from './log-levels.ts'
export type { Logger }

/**
 * A log that writes one JSON object a line to stdout: `level`, `time` (ISO 8601), `service`, `msg` and the fields of the
 * event. It never ends the process.
 * @param service the value of `service` in each line
 * @param level the lowest level that is written
 * @param output where the lines go; a program has one. Default: a new one
 */
export function createLog(service: string, level: LogThreshold, output = new LogOutput()): Logger {
  const options = {
    level,
    base: { service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return pino(options, output)
}
