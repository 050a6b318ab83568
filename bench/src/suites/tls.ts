import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { median, spreadOf } from '@uds-sidecar/client/statistics'
import { type Pem, tlsCandidates } from '../candidates.ts'
import { type Running, start, startGround } from '../ground.ts'
import { type Figure, interleaved, type LoadShape, type Round } from '../load.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { runToEnd } from '../processes.ts'
import { type Machine, resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'
import { figuresOf } from './proxies.ts'

const FIRST_PORT = 10_201
const SECONDS = 2
const AT_ONCE = { connections: 32, ratePerSecond: null } as const
/** What a report calls it → the load. */
export const TLS_LOADS = {
  'keep-alive, 11 KiB': { ...AT_ONCE, bytes: 11_264, close: false, handshake: 'full' },
  'keep-alive, 4 B': { ...AT_ONCE, bytes: 4, close: false, handshake: 'full' },
  'a full handshake for each request': { ...AT_ONCE, bytes: 4, close: true, handshake: 'full' },
  'a resumed handshake for each request': { ...AT_ONCE, bytes: 4, close: true, handshake: 'resumed' },
} as const satisfies Readonly<Record<string, LoadShape>>

export type TlsLoad = keyof typeof TLS_LOADS

/** What TLS costs: the candidates that terminate it, in front of the same upstream, under the same loads, in turn. */
export async function tls({ rounds }: Settings): Promise<Figure[]> {
  await using ground = await startGround()
  await using stack = new AsyncDisposableStack()
  const all: Running[] = []
  for (const [i, candidate] of tlsCandidates(await makePair(ground.directory)).entries())
    all.push(stack.use(await start(candidate, ground, FIRST_PORT + i)))
  const loads = Object.values(TLS_LOADS)
  await interleaved('tls: warm-up', all, { loads, rounds: 2, seconds: SECONDS }) // for Node to compile its code
  const figures = await interleaved('tls', all, { loads, rounds, seconds: SECONDS })
  for (const figure of figures) for (const round of figure.rounds) requireHandshakes(figure, round)
  return figures
}

/** A certificate like those that most servers have: a P-256 key. */
export async function makePair(directory: string): Promise<Pem> {
  mkdirSync(directory, { recursive: true })
  const path = (name: string) => join(directory, name)
  const pem = { certificate: path('tls.crt'), key: path('tls.key'), both: path('tls.pem') }
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  await runToEnd(['openssl', 'req', ...kind, ...names, '-keyout', pem.key, '-out', pem.certificate])
  const both = readFileSync(pem.certificate, 'utf8') + readFileSync(pem.key, 'utf8')
  writeFileSync(pem.both, both, { mode: 0o600 })
  return pem
}

/** @throws Error if the handshakes were not of the kind that the figure is about */
function requireHandshakes({ candidate, load }: Figure, { resumed, requests, failures }: Round): void {
  if (resumed === undefined) return
  const withoutSession = load.connections + failures // the first of each thread, and one after each failure
  const isAsMeant =
    load.handshake === 'full' ? resumed === 0 : resumed >= requests - withoutSession - failures
  if (isAsMeant) return
  throw new Error(
    `${candidate} resumed ${resumed} of ${requests} sessions; the load was of ${load.handshake} handshakes`,
  )
}

/** The CPU time of a candidate under a load, round by round. */
function cpuUs(candidate: string, load: TlsLoad): number[] {
  const figures = figuresOf(resultOf<Figure[]>('tls')?.result ?? [], TLS_LOADS[load])
  const rounds = figures.find((one) => one.candidate === candidate)?.rounds ?? []
  return rounds.map(({ cpuUsPerRequest }) => cpuUsPerRequest)
}

/** CPU time of the sidecar over that of another candidate, in each round. */
export function tlsRatios(load: TlsLoad, other: string): number[] {
  const others = cpuUs(other, load)
  return cpuUs('sidecar', load).map((ours, i) => ours / (others[i] ?? Number.NaN))
}

/** Load average before a suite from which on its times say little. */
const BUSY = 0.5
const ON_A_LOADED_MACHINE =
  'Measured on a loaded machine: other programs used a part of the processors. The times are longer than on an idle machine; the ratios of interleaved rounds change less, and their spread shows how much.'

/** What a section says about the machine, if anything. */
export function noteOnLoad({ loadBefore }: Machine): string[] {
  return loadBefore < BUSY ? [] : [ON_A_LOADED_MACHINE]
}

/** Null: there is no result. */
export function tlsSection(): Section | null {
  const found = resultOf<Figure[]>('tls')
  if (found === null) return null
  const rows = (Object.keys(TLS_LOADS) as TlsLoad[]).map((load) => [
    load,
    ...['sidecar', 'nginx', 'haproxy'].map((name) => showSpread(spreadOf(cpuUs(name, load)))),
    ...['nginx', 'haproxy'].map((name) => showSpread(spreadOf(tlsRatios(load, name)))),
  ])
  const failures = found.result.flatMap(({ rounds }) => rounds).reduce((sum, one) => sum + one.failures, 0)
  const head = ['CPU µs/request', 'sidecar', 'nginx', 'haproxy', 'sidecar / nginx', 'sidecar / haproxy']
  const how = `The CPU time of the program that terminates TLS, 32 connections at a time. TLS 1.3, TLS_AES_128_GCM_SHA256, X25519, a P-256 certificate; no client certificates. A ratio is that of one round. Failures: ${failures}.`
  const parts = [how, ...noteOnLoad(found.machine), markdownTable(head, rows)]
  return section('TLS', parts)
}

/** The median of the ratios of the rounds; NaN without a result. */
export function tlsRatio(load: TlsLoad, other: string): number {
  return median(tlsRatios(load, other))
}
