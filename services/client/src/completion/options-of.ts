import type { Command } from '../cli/command.ts'
import { COMMON_OPTIONS, type Options } from '../cli/options.ts'

/** One option as a shell needs to know it. */
export interface OptionWords {
  /** With its dashes. */
  readonly name: string
  readonly summary: string
  /** What may follow: one of these words, a file, anything, or nothing. */
  readonly value: readonly string[] | 'file' | 'anything' | 'none'
}

export function optionsOf({ options }: Command): OptionWords[] {
  const all: Options = { ...options, ...COMMON_OPTIONS }
  return Object.entries(all).map(([name, option]) => ({
    name: `--${name}`,
    summary: option.summary,
    value: wantedAfter(option),
  }))
}

function wantedAfter(option: Options[string]): OptionWords['value'] {
  if (option.kind === 'flag') return 'none'
  return option.choices ?? (option.placeholder === 'FILE' ? 'file' : 'anything')
}
