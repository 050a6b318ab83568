import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { spreadOf } from '@uds-sidecar/client/statistics'
import type { Candidate } from '../candidates.ts'
import { type Ground, pathOf, type Running, start } from '../ground.ts'
import { measureRound } from '../load.ts'
import { startPartner, TUNNELS } from '../outbound.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { LOAD_CPU, pinned } from '../processes.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'
import { makePair } from './tls.ts'

const WANTED = 10_000
const PORT = 10_321
const SETTLE_MS = 1_000
/** Opened and closed before, so that the code for it is loaded and compiled. */
const FIRST = 500
/** A tunnel is two descriptors of the program that relays it; it needs a few more for itself. */
const OTHER_DESCRIPTORS = 200
const WARM = { bytes: 11_264, connections: 32, ratePerSecond: null, close: false } as const

/** What each tunnel has carried before it is idle. */
const STATES = {
  'after the TLS handshake': 'none',
  'after a response of 11 KiB': 'GET',
} as const

export interface IdleTunnels {
  readonly candidate: string
  readonly state: keyof typeof STATES
  readonly tunnels: number
  readonly bytesPerTunnel: number
}

/** What idle tunnels cost: 10,000, or as many as the limit of descriptors allows. */
export async function idleTunnels({ rounds }: Settings): Promise<IdleTunnels[]> {
  const directory = '/run/bench/tunnels'
  await using ground = await startPartner(await makePair(directory), directory)
  const all: IdleTunnels[] = []
  const tunnels = Math.min(WANTED, Math.floor((descriptors() - OTHER_DESCRIPTORS) / 2))
  for (let round = 0; round < rounds; round++)
    for (const state of Object.keys(STATES) as (keyof typeof STATES)[])
      for (const candidate of TUNNELS) all.push(await measure(candidate, ground, state, tunnels))
  return all
}

/** What the limit is for the programs that this one starts. */
function descriptors(): number {
  const [, most = ''] = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  return Number(most)
}

async function measure(
  candidate: Candidate,
  ground: Ground,
  state: IdleTunnels['state'],
  tunnels: number,
): Promise<IdleTunnels> {
  await using running = await start(candidate, ground, PORT)
  await measureRound(running, WARM, 1)
  await (await hold(running, 'GET', FIRST))[Symbol.asyncDispose]()
  await pause(SETTLE_MS)
  const before = running.usage().rssBytes
  await using _held = await hold(running, STATES[state], tunnels)
  await pause(SETTLE_MS)
  const bytesPerTunnel = (running.usage().rssBytes - before) / tunnels
  return { candidate: candidate.name, state, tunnels, bytesPerTunnel }
}

/** Opens tunnels, which end when it is disposed (`bench/floor/outbound.c`). */
async function hold({ candidate, out }: Running, method: string, tunnels: number): Promise<AsyncDisposable> {
  const numbers = [WARM.bytes, tunnels, 0].map(String)
  const command = ['outbound', 'hold', `${candidate.outbound}`, out, method, pathOf(WARM.bytes), ...numbers]
  const [program = '', ...rest] = pinned(command, LOAD_CPU)
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const opened = await Promise.race([once(child.stdout, 'data'), ended.then(() => null)])
  if (opened === null) throw new Error(`${candidate.name} did not open ${tunnels} tunnels`)
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
}

/** Bytes per tunnel of a candidate, round by round. */
export function tunnelBytes(candidate: string, state: IdleTunnels['state']): number[] {
  const rows = resultOf<IdleTunnels[]>('idle-tunnels')?.result ?? []
  return rows
    .filter((one) => one.candidate === candidate && one.state === state)
    .map(({ bytesPerTunnel }) => bytesPerTunnel)
}

export function idleTunnelsSection(): Section | null {
  const rows = resultOf<IdleTunnels[]>('idle-tunnels')?.result
  const [first] = rows ?? []
  if (first === undefined) return null
  const states = Object.keys(STATES) as IdleTunnels['state'][]
  const cells = states.map((state) => [
    state,
    ...TUNNELS.map(({ name }) => showSpread(spreadOf(tunnelBytes(name, state)))),
  ])
  const how = `${first.tunnels.toLocaleString('en')} tunnels with TLS inside, over which nothing is sent; each is two connections. Memory is the growth of the resident set of the process, in which 500 tunnels were opened and closed before. HAProxy relays the same in TCP mode.`
  return section('Idle tunnels', [
    how,
    markdownTable(['resident bytes each', ...TUNNELS.map(({ name }) => name)], cells),
  ])
}
