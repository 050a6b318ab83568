import { type Logger, pino, stdTimeFunctions } from 'pino'

export type { Logger }

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export type LogThreshold = (typeof LOG_LEVELS)[number]

/** One JSON object a line on stdout: `level`, `time` (ISO 8601), `service`, `msg` and what belongs to the event. */
export function createLog(service: string, level: LogThreshold): Logger {
  return pino({
    level,
    base: { service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  })
}
