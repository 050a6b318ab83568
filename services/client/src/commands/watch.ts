import { EXIT } from '@uds-sidecar/shared/failure/exit-codes'
import { defineCommand } from '../cli/command.ts'
import { type Valued, wholeNumber } from '../cli/options.ts'
import { type Palette, palette } from '../output/style.ts'
import { type Change, changes } from '../watch/changes.ts'
import { targetsOf } from '../watch/target.ts'

const INTERVAL_OPTION = {
  kind: 'value',
  placeholder: 'MS',
  summary: 'ask every target once in this many milliseconds',
  read: wholeNumber(50, 3_600_000),
  fallback: 1_000,
} as const satisfies Valued<number>

export const command = defineCommand({
  name: 'watch',
  summary: 'say of every way into the stack whether it answers, and when that changes',
  synopsis: '[--interval-ms MS]',
  maxPositionals: 0,
  options: { 'interval-ms': INTERVAL_OPTION },
  examples: [['client watch', 'until Ctrl-C; one line for each change']],
  jsonShape: '{time, name, endpoint, state, was?}, one line for each change',
  async run({ values }, { config, json, stdout, env, interrupted }) {
    const colours = palette(stdout, env)
    const pace = { intervalMs: values['interval-ms'], signal: interrupted() }
    for await (const change of changes(targetsOf(config), pace))
      stdout.write(`${json ? JSON.stringify(change) : describe(change, colours)}\n`)
    return EXIT.ok
  },
})

function describe({ time, name, endpoint, state, was }: Change, { good, bad, faint }: Palette): string {
  const before = was === undefined ? '' : faint(` (was ${was})`)
  return `${faint(time)} ${name} ${endpoint} ${state === 'up' ? good(state) : bad(state)}${before}`
}
