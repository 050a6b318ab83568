import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { visibleIn, visibleJson } from '@uds-sidecar/shared/text/visible'
import { stackAccess } from '../access/access.ts'
import { STACK_ACCESS_OPTIONS } from '../access/access-options.ts'
import { type Context, defineCommand } from '../cli/command.ts'
import { type Valued, wholeNumber } from '../cli/options.ts'
import { palette } from '../output/text.ts'
import {
  type TrafficNews,
  TrafficWatch,
  trafficLines,
  trafficObjects,
  trafficTable,
} from '../watch/traffic-watch.ts'
import { newsLines, newsObjects, Screen, summary, type Watched, watch } from '../watch/watch.ts'

const INTERVAL_OPTION = {
  kind: 'value',
  placeholder: 'MS',
  summary: 'check every target once in this many milliseconds',
  read: wholeNumber(50, 3_600_000),
  fallback: 1_000,
} as const satisfies Valued<number>

const COUNT_OPTION = {
  kind: 'value',
  placeholder: 'N',
  summary: 'end after so many rounds; without it at Ctrl-C',
  read: wholeNumber(1, 1_000_000),
  fallback: Number.POSITIVE_INFINITY,
} as const satisfies Valued<number>

const RECENT_NEWS = 8

export const command = defineCommand({
  name: 'watch',
  summary: 'show every endpoint of the stack as its state changes, and the traffic of each route',
  positionals: '',
  maxPositionals: 0,
  options: { 'interval-ms': INTERVAL_OPTION, count: COUNT_OPTION, ...STACK_ACCESS_OPTIONS },
  examples: [
    ['client watch', 'shows restarts and takeovers as they happen, until Ctrl-C'],
    ['client watch --count 2', 'one interval, such as for a report'],
    ['client watch --tls --tls-for ops', 'where the operations port speaks TLS'],
    ['client watch --json | jq .state', 'for a script'],
  ],
  jsonShape:
    '{time, event: state | replaced, name, endpoint, state, generation, was?, wasForMs?}, one line for each change; {time, event: traffic, state, routes: [{route, state, generation, connections, connectionsPerSecond, requestsPerSecond, p50Ms, p99Ms, failures}]}, one line for each interval',
  async run({ values }, context) {
    const access = await stackAccess(values, context.config)
    const pace = { intervalMs: values['interval-ms'], signal: context.interrupted() }
    const rounds = withTraffic(
      watch(context.config, access, pace),
      new TrafficWatch(context.config, access),
      values.count,
    )
    await (context.stdout.isTTY && !context.json ? redraw(rounds, context) : scroll(rounds, context))
    return EXIT.ok
  },
})

interface Round {
  readonly watched: Watched[]
  readonly traffic: TrafficNews
}

async function* withTraffic(
  rounds: AsyncIterable<Watched[]>,
  traffic: TrafficWatch,
  count: number,
): AsyncGenerator<Round> {
  let left = count
  for await (const watched of rounds) {
    yield { watched, traffic: await traffic.look() }
    left -= 1
    if (left === 0) return
  }
}

async function scroll(rounds: AsyncIterable<Round>, { json, stdout, env }: Context): Promise<void> {
  const colours = palette(stdout, env)
  let last: Watched[] = []
  for await (const { watched: round, traffic } of rounds) {
    const time = new Date().toISOString()
    const lines = json
      ? [...round.flatMap((one) => newsObjects(one, time)), ...trafficObjects(traffic, time)].map(visibleJson)
      : [
          ...visibleIn(round).flatMap((one) => newsLines(one, time, colours)),
          ...trafficLines(visibleIn(traffic), time, colours),
        ]
    for (const line of lines) stdout.write(`${line}\n`)
    last = round
  }
  if (!json && last.length > 0) stdout.write(`${summary(visibleIn(last), Date.now(), colours)}\n`)
}

/** The table, with the last changes below it. */
async function redraw(rounds: AsyncIterable<Round>, { stdout, env }: Context): Promise<void> {
  const colours = palette(stdout, env)
  const screen = new Screen(stdout)
  let news: string[] = []
  for await (const { watched, traffic } of rounds) {
    const round = visibleIn(watched)
    const time = new Date().toISOString()
    news = [...news, ...round.flatMap((one) => newsLines(one, time, colours))].slice(-RECENT_NEWS)
    const routes = trafficTable(visibleIn(traffic), colours)
    const parts = [summary(round, Date.now(), colours), routes, news.join('\n')]
    screen.draw(parts.filter((part) => part !== '').join('\n\n'))
  }
}
