import type { Settings } from '../settings.ts'
import { proxies } from './proxies.ts'

/** Name of the result's file → how it is measured. */
export const SUITES: Readonly<Record<string, (settings: Settings) => Promise<unknown>>> = { proxies }
