import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Machine } from '../machine.ts'
import type { Settings } from '../settings.ts'

/** What a suite left behind. */
export interface Result<T> {
  readonly machine: Machine
  readonly settings: Settings
  readonly result: T
}

/** Null: this suite was never run here. */
export function resultOf<T>(suite: string): Result<T> | null {
  const path = fileURLToPath(new URL(`../../results/${suite}.json`, import.meta.url))
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Result<T>) : null
}
