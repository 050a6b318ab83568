import { SUITES } from './all.ts'

/** Of the suite that runs beside the container, on the engine. */
export const ENGINE_RESTART = 'engine-restart'

export const SUITE_NAMES: readonly string[] = [...Object.keys(SUITES), ENGINE_RESTART]
