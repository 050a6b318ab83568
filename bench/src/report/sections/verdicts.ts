import type { Figure } from '../../figure.ts'
import { figuresOf, spreadIn } from '../figures.ts'
import { resultOf } from '../results.ts'
import { type Section, section } from '../section.ts'
import { digits } from '../spread.ts'
import { table } from '../table.ts'

const COLUMNS = ['against', 'sidecar', 'the other', 'sidecar / other', 'to reach', ''] as const

/** CPU per request against what was set out to be reached (issue 7). */
export function verdicts(): Section | null {
  const proxies = resultOf<Figure[]>('proxies')
  if (proxies === null) return null
  const rows = [11_264, 4].flatMap((bytes) => rowsOf(proxies.result, bytes))
  return section('What was to be reached', [
    'CPU time per request (µs, medians), 32 keep-alive connections:',
    table(COLUMNS, rows),
  ])
}

function rowsOf(all: readonly Figure[], bytes: number): string[][] {
  const figures = figuresOf(all, { bytes, connections: 32, close: false, ratePerSecond: null })
  const cpu = Object.fromEntries(
    figures.map((one) => [one.candidate, spreadIn(one, (round) => round.cpuUsPerRequest).median]),
  )
  const ours = cpu.sidecar ?? Number.NaN
  const node = Math.min(...['undici', 'node http', 'http-proxy'].map((name) => cpu[name] ?? Number.NaN))
  const ratio = bytes === 4 ? 1.15 : 1
  return [
    row(`nginx, ${bytes} B`, ours, cpu.nginx, ratio),
    row(`haproxy, ${bytes} B`, ours, cpu.haproxy, ratio),
    row(`the best Node proxy, ${bytes} B`, ours, node, 1 / 3),
  ]
}

function row(name: string, ours: number, other = Number.NaN, limit: number): string[] {
  const ratio = ours / other
  const verdict = ratio <= limit ? 'reached' : `missed by ${digits((ratio / limit - 1) * 100)} %`
  return [name, digits(ours), digits(other), digits(ratio), `≤ ${digits(limit)}`, verdict]
}
