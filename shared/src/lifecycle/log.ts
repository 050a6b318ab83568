import { type Logger, pino, stdTimeFunctions } from 'pino'
import type { LogThreshold } from './log-levels.ts'

export { LOG_LEVELS, type LogThreshold } from './log-levels.ts'
export type { Logger }

/** One JSON object a line on stdout: `level`, `time` (ISO 8601), `service`, `msg` and what belongs to the event. */
export function createLog(service: string, level: LogThreshold): Logger {
  return pino({
    level,
    base: { service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  })
}
