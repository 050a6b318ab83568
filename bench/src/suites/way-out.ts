import { median, spreadOf } from '@uds-sidecar/client/statistics'
import type { Candidate } from '../candidates.ts'
import { type Ground, type Running, start } from '../ground.ts'
import { type Figure, interleaved, type LoadShape } from '../load.ts'
import { LONG_BODY, startPartner, TUNNELS, tlsOriginators } from '../outbound.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'
import { figuresOf } from './proxies.ts'
import { makePair, noteOnLoad } from './tls.ts'

const FIRST_PORT = 10_301
const SECONDS = 2
const AT_ONCE = { connections: 32, ratePerSecond: null, close: false, method: 'GET' } as const

/** What a report calls it → the load. */
export const ORIGINATION_LOADS = {
  'TLS to the upstream, 11 KiB': { ...AT_ONCE, bytes: 11_264 },
  'TLS to the upstream, 4 B': { ...AT_ONCE, bytes: 4 },
} as const satisfies Readonly<Record<string, LoadShape>>

export const TUNNEL_LOADS = {
  'tunnel, download of 1 MiB': { ...AT_ONCE, bytes: LONG_BODY },
  'tunnel, upload of 1 MiB': { ...AT_ONCE, bytes: LONG_BODY, method: 'POST' },
  'tunnel, 11 KiB': { ...AT_ONCE, bytes: 11_264 },
} as const satisfies Readonly<Record<string, LoadShape>>

export type OriginationLoad = keyof typeof ORIGINATION_LOADS
export type TunnelLoad = keyof typeof TUNNEL_LOADS

export interface WayOutFigures {
  /** Plain HTTP on a socket, TLS to the upstream. */
  readonly origination: readonly Figure[]
  /** TLS of the client, carried as it is. */
  readonly tunnels: readonly Figure[]
}

/** What the way out costs: each kind of candidate before the same upstream, under the same loads, in turn. */
export async function wayOut(settings: Settings): Promise<WayOutFigures> {
  const directory = '/run/bench/out'
  const pem = await makePair(directory)
  await using ground = await startPartner(pem, directory)
  const origination = await measured(ground, tlsOriginators(pem), ORIGINATION_LOADS, settings)
  const tunnels = await measured(ground, TUNNELS, TUNNEL_LOADS, settings, FIRST_PORT + 10)
  return { origination, tunnels }
}

async function measured(
  ground: Ground,
  candidates: readonly Candidate[],
  named: Readonly<Record<string, LoadShape>>,
  { rounds }: Settings,
  firstPort = FIRST_PORT,
): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack()
  const all: Running[] = []
  for (const [i, candidate] of candidates.entries())
    all.push(stack.use(await start(candidate, ground, firstPort + i)))
  const loads = Object.values(named)
  await interleaved('way-out: warm-up', all, { loads, rounds: 2, seconds: SECONDS }) // for Node to compile its code
  return await interleaved('way-out', all, { loads, rounds, seconds: SECONDS })
}

/** The CPU time of a candidate for each request, round by round. */
function cpuUs(figures: readonly Figure[], load: LoadShape, candidate: string): number[] {
  const found = figuresOf(figures, load).find((one) => one.candidate === candidate)
  return (found?.rounds ?? []).map(({ cpuUsPerRequest }) => cpuUsPerRequest)
}

/** CPU time of the sidecar over that of another candidate, in each round. */
function ratios(figures: readonly Figure[], load: LoadShape, other: string): number[] {
  const others = cpuUs(figures, load, other)
  return cpuUs(figures, load, 'sidecar').map((ours, i) => ours / (others[i] ?? Number.NaN))
}

function figures(): WayOutFigures {
  return resultOf<WayOutFigures>('way-out')?.result ?? { origination: [], tunnels: [] }
}

/** The median of the ratios of the rounds; NaN without a result. */
export function originationRatio(load: OriginationLoad): number {
  return median(ratios(figures().origination, ORIGINATION_LOADS[load], 'nginx'))
}

/** As {@link originationRatio}, beside HAProxy. */
export function tunnelRatio(load: TunnelLoad): number {
  return median(ratios(figures().tunnels, TUNNEL_LOADS[load], 'haproxy'))
}

/** Null: there is no result. */
export function wayOutSection(): Section | null {
  const found = resultOf<WayOutFigures>('way-out')
  if (found === null) return null
  const { origination, tunnels } = found.result
  const rows = (
    figures: readonly Figure[],
    named: Readonly<Record<string, LoadShape>>,
    other: string,
    perUnit: (us: number, load: LoadShape) => number,
  ) =>
    Object.entries(named).map(([name, load]) => [
      name,
      ...['sidecar', other].map((candidate) =>
        showSpread(spreadOf(cpuUs(figures, load, candidate).map((us) => perUnit(us, load)))),
      ),
      showSpread(spreadOf(ratios(figures, load, other))),
    ])
  const failures = [...origination, ...tunnels].flatMap(({ rounds }) => rounds)
  const how = `32 connections at a time on a Unix socket, to an upstream that speaks TLS 1.3 (TLS_AES_128_GCM_SHA256, X25519, a P-256 certificate). In the first table the clients speak HTTP, and the candidate checks the certificate of the upstream and keeps connections to it. In the second table the clients speak TLS: with the sidecar inside the tunnel of a CONNECT whose ClientHello it checks, with HAProxy in TCP mode directly. CPU time of the candidate; a ratio is that of one round. Failures: ${failures.reduce((sum, one) => sum + one.failures, 0)}.`
  const perMiB = (us: number, { bytes }: LoadShape) => us / (bytes / 2 ** 20)
  const parts = [
    how,
    ...noteOnLoad(found.machine),
    markdownTable(
      ['CPU µs/request', 'sidecar', 'nginx', 'sidecar / nginx'],
      rows(origination, ORIGINATION_LOADS, 'nginx', (us) => us),
    ),
    markdownTable(
      ['CPU µs/MiB', 'sidecar', 'haproxy', 'sidecar / haproxy'],
      rows(tunnels, TUNNEL_LOADS, 'haproxy', perMiB),
    ),
  ]
  return section('The way out', parts)
}
