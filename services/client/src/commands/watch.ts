import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { visibleIn, visibleJson } from '@uds-sidecar/shared/text/visible'
import { stackAccess } from '../access/access.ts'
import { STACK_ACCESS_OPTIONS } from '../access/access-options.ts'
import { type Context, defineCommand } from '../cli/command.ts'
import { type Valued, wholeNumber } from '../cli/options.ts'
import { palette } from '../output/text.ts'
import { newsLines, newsObjects, Screen, summary, type Watched, watch } from '../watch/watch.ts'

const INTERVAL_OPTION = {
  kind: 'value',
  placeholder: 'MS',
  summary: 'check every target once in this many milliseconds',
  read: wholeNumber(50, 3_600_000),
  fallback: 1_000,
} as const satisfies Valued<number>

const RECENT_NEWS = 8

export const command = defineCommand({
  name: 'watch',
  summary: 'show every endpoint of the stack as its state changes',
  positionals: '',
  maxPositionals: 0,
  options: { 'interval-ms': INTERVAL_OPTION, ...STACK_ACCESS_OPTIONS },
  examples: [
    ['client watch', 'shows restarts and takeovers as they happen, until Ctrl-C'],
    ['client watch --tls --tls-for ops', 'where the operations port speaks TLS'],
    ['client watch --json | jq .state', 'for a script'],
  ],
  jsonShape:
    '{time, event: state | replaced, name, endpoint, state, generation, was?, wasForMs?}, one line for each change',
  async run({ values }, context) {
    const access = await stackAccess(values, context.config)
    const pace = { intervalMs: values['interval-ms'], signal: context.interrupted() }
    const rounds = watch(context.config, access, pace)
    await (context.stdout.isTTY && !context.json ? redraw(rounds, context) : scroll(rounds, context))
    return EXIT.ok
  },
})

async function scroll(rounds: AsyncIterable<Watched[]>, { json, stdout, env }: Context): Promise<void> {
  const colours = palette(stdout, env)
  let last: Watched[] = []
  for await (const round of rounds) {
    const time = new Date().toISOString()
    const lines = json
      ? round.flatMap((one) => newsObjects(one, time)).map(visibleJson)
      : visibleIn(round).flatMap((one) => newsLines(one, time, colours))
    for (const line of lines) stdout.write(`${line}\n`)
    last = round
  }
  if (!json && last.length > 0) stdout.write(`${summary(visibleIn(last), Date.now(), colours)}\n`)
}

/** The table, with the last changes below it. */
async function redraw(rounds: AsyncIterable<Watched[]>, { stdout, env }: Context): Promise<void> {
  const colours = palette(stdout, env)
  const screen = new Screen(stdout)
  let news: string[] = []
  for await (const seen of rounds) {
    const round = visibleIn(seen)
    const time = new Date().toISOString()
    news = [...news, ...round.flatMap((one) => newsLines(one, time, colours))].slice(-RECENT_NEWS)
    screen.draw([summary(round, Date.now(), colours), '', ...news].join('\n'))
  }
}
