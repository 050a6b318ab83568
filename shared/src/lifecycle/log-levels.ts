/**
 * From the most verbose to the least; `silent` logs nothing. Not in `log.ts`: loading the logger would slow the start of
 * the command line.
 */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export type LogThreshold = (typeof LOG_LEVELS)[number]
