import { median, percentile } from '@uds-sidecar/client/statistics'
import type { EngineRestart } from '../engine/engine-restart.ts'
import type { Figure, Round } from '../load.ts'
import { digits, markdownTable } from '../page/markdown.ts'
import { resultOf } from '../results.ts'
import { ACCESS_LOADS, type AccessLoad, accessLogRatio } from '../suites/access-log.ts'
import type { Idle } from '../suites/idle.ts'
import { tunnelBytes } from '../suites/idle-tunnels.ts'
import { longestBehindMs } from '../suites/long-streams.ts'
import { figuresOf } from '../suites/proxies.ts'
import { ENGINE_RESTART } from '../suites/restart.ts'
import type { SocketOrTcp } from '../suites/socket-or-tcp.ts'
import { EMPTY, type StartTimes } from '../suites/start-up.ts'
import { type TlsLoad, tlsRatio } from '../suites/tls.ts'
import { type OriginationLoad, originationRatio, type TunnelLoad, tunnelRatio } from '../suites/way-out.ts'

const NODE_PROXIES = ['undici', 'node http', 'http-proxy'] as const

interface Target {
  readonly what: string
  readonly measured: number
  readonly atMost: number
}

/** For contributors: each target, what was measured, and whether the target was reached. */
export function targets(): string[] {
  const all = [
    ...cpu(11_264, 1),
    ...cpu(4, 1.15),
    ...tls(),
    ...accessLog(),
    ...wayOut(),
    ...socket(),
    ...startUp(),
    ...idle(),
    ...tunnels(),
    ...crash(),
    ...longStreams(),
  ]
  if (all.length === 0) return ['Nothing was measured yet: `make bench`.']
  const rows = all.map(({ what, measured, atMost }) => [
    what,
    digits(measured),
    digits(atMost),
    word(measured, atMost),
  ])
  const how =
    'Medians. A ratio is the median of the ratios of each round, because the machine is faster in one round than in another.'
  return [how, markdownTable(['', 'measured', 'at most', ''], rows)]
}

function word(measured: number, atMost: number): string {
  return measured <= atMost ? 'reached' : `missed by ${digits((measured / atMost - 1) * 100)} %`
}

function cpu(bytes: number, atMost: number): Target[] {
  const load = { bytes, connections: 32, close: false, ratePerSecond: null }
  const figures = figuresOf(resultOf<Figure[]>('proxies')?.result ?? [], load)
  const rounds = (name: string) => figures.find(({ candidate }) => candidate === name)?.rounds ?? []
  const ours = rounds('sidecar')
  const over = (name: string) => median(ours.map((round, i) => ratioOf(round, rounds(name)[i])))
  const node = Math.max(...NODE_PROXIES.map(over)) // the best of them is the one with the highest ratio
  const target = (name: string, measured: number, limit: number) => ({
    what: `CPU per request, ${bytes} B, 32 connections: sidecar / ${name}`,
    measured,
    atMost: limit,
  })
  const all = [
    target('nginx', over('nginx'), atMost),
    target('haproxy', over('haproxy'), atMost),
    target('the best Node proxy', node, 1 / 3),
  ]
  return all.filter(({ measured }) => !Number.isNaN(measured))
}

function longStreams(): Target[] {
  const what = 'first byte of a server-sent event behind the upstream, p99, ms'
  return [{ what, measured: longestBehindMs(), atMost: 5 }].filter(({ measured }) => !Number.isNaN(measured))
}

function ratioOf(ours: Round, other: Round | undefined): number {
  return ours.cpuUsPerRequest / (other?.cpuUsPerRequest ?? Number.NaN)
}

function tls(): Target[] {
  const target = (load: TlsLoad, atMost: number) => ({
    what: `CPU per request over TLS, ${load}: sidecar / nginx`,
    measured: tlsRatio(load, 'nginx'),
    atMost,
  })
  const all = [target('keep-alive, 11 KiB', 1.4), target('a full handshake for each request', 2)]
  return all.filter(({ measured }) => !Number.isNaN(measured))
}

function accessLog(): Target[] {
  const target = (load: AccessLoad) => ({
    what: `CPU per request, ${load}: accessLog all / off`,
    measured: accessLogRatio(load, 'all'),
    atMost: 1.1,
  })
  const loads = Object.keys(ACCESS_LOADS) as AccessLoad[]
  return loads.map(target).filter(({ measured }) => !Number.isNaN(measured))
}

function wayOut(): Target[] {
  const origination = (load: OriginationLoad) => ({
    what: `CPU per request, ${load}: sidecar / nginx with proxy_ssl`,
    measured: originationRatio(load),
    atMost: 1.2,
  })
  const tunnel = (load: TunnelLoad) => ({
    what: `CPU per byte, ${load}: sidecar / haproxy in TCP mode`,
    measured: tunnelRatio(load),
    atMost: 1.1,
  })
  const all = [
    origination('TLS to the upstream, 11 KiB'),
    origination('TLS to the upstream, 4 B'),
    tunnel('tunnel, download of 1 MiB'),
    tunnel('tunnel, upload of 1 MiB'),
    tunnel('tunnel, 11 KiB'),
  ]
  return all.filter(({ measured }) => !Number.isNaN(measured))
}

function socket(): Target[] {
  const runs = resultOf<SocketOrTcp>('socket-or-tcp')?.result.runs ?? []
  const pingPong = runs.find(({ settings }) => settings.protocol === 'echo' && settings.sizeBytes === 64)
  const ratio = pingPong?.ratios.find((one) => one.of === 'p50' && one.compared === 'tcp')
  if (ratio === undefined) return []
  return [
    { what: 'p50 of a 64 B ping-pong: socket / loopback TCP', measured: 1 / ratio.median, atMost: 1 / 1.25 },
  ]
}

function startUp(): Target[] {
  const times = resultOf<StartTimes>('start-up')?.result
  if (times === undefined) return []
  const ms = (name: string) => median(times[name] ?? [])
  const over = (name: string, atMost: number) => ({
    what: `ms over an empty Node program (${digits(ms(EMPTY))} ms): ${name}`,
    measured: ms(name) - ms(EMPTY),
    atMost,
  })
  const total = (name: string, atMost: number) => ({
    what: `ms from the start of the process: ${name}`,
    measured: ms(name),
    atMost,
  })
  return [
    over('client --version: ended', 100),
    over('sidecar: accepting', 100),
    over('app: accepting', 200),
    total('sidecar: first response', 150),
    total('app: first response', 300),
  ]
}

function idle(): Target[] {
  const rows = resultOf<Idle[]>('idle')?.result.filter(({ candidate }) => candidate === 'sidecar')
  if (rows === undefined) return []
  const of = (count: number, key: 'p99Us' | 'bytesPerConnection') =>
    median(rows.filter(({ connections }) => connections === count).map((row) => row[key]))
  return [
    {
      what: 'p99 of live traffic with 10,000 idle connections / with 10',
      measured: of(10_000, 'p99Us') / of(10, 'p99Us'),
      atMost: 2,
    },
    {
      what: 'bytes per connection, 10,000 idle connections',
      measured: of(10_000, 'bytesPerConnection'),
      atMost: 10_000,
    },
  ]
}

function tunnels(): Target[] {
  const states = ['after the TLS handshake', 'after a response of 11 KiB'] as const
  const all = states.map((state) => ({
    what: `bytes per idle tunnel, ${state}`,
    measured: median(tunnelBytes('sidecar', state)),
    atMost: 10_000,
  }))
  return all.filter(({ measured }) => !Number.isNaN(measured))
}

function crash(): Target[] {
  const times = resultOf<EngineRestart>(ENGINE_RESTART)?.result
  if (times === undefined) return []
  const row = (name: string, ms: readonly number[]) => ({
    what: `ms from SIGKILL to the first 200, with the engine: ${name}`,
    measured: percentile(ms, 50),
    atMost: 1_000,
  })
  return [row('app', times.appCrashMs), row('sidecar', times.sidecarCrashMs)]
}
