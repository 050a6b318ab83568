/** From the most talkative on; `silent` logs nothing. Apart from the logger, which takes longer to load than a CLI may. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export type LogThreshold = (typeof LOG_LEVELS)[number]
