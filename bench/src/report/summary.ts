import { percentile, spreadOf } from '@uds-sidecar/client/statistics'
import type { EngineRestart } from '../engine/engine-restart.ts'
import type { Figure, LoadShape, Round } from '../load.ts'
import { digits, markdownTable } from '../page/markdown.ts'
import { resultOf } from '../results.ts'
import type { Idle } from '../suites/idle.ts'
import { figuresOf } from '../suites/proxies.ts'
import { ENGINE_RESTART } from '../suites/restart.ts'
import { SLOW_CLIENTS, type SlowClients } from '../suites/slow-clients.ts'
import type { SocketOrTcp } from '../suites/socket-or-tcp.ts'
import type { StartTimes } from '../suites/start-up.ts'

/** What a user wants to know first, in a few lines; each figure is a median that the sections below show in full. */
export function summary(): string[] {
  const rows = [...besideNginx(), ...idle()]
  const lines = [...slowClients(), ...socketOrTcp(), ...startUp(), ...restart()]
  return [
    ...(rows.length === 0
      ? []
      : [
          'Medians; sidecar and nginx each have one processor to themselves. Where the machine had other load (see *Machine*), only large differences count.',
          markdownTable(['', 'sidecar', 'nginx'], rows),
        ]),
    ...(lines.length === 0 ? [] : [lines.map((line) => `- ${line}`).join('\n')]),
  ]
}

type Row = readonly [what: string, sidecar: string, nginx: string]

function besideNginx(): Row[] {
  const all = resultOf<Figure[]>('proxies')?.result ?? []
  const row = (what: string, load: Partial<LoadShape>, value: (round: Round) => number): Row[] => {
    const figures = figuresOf(all, { bytes: 11_264, ...load })
    const of = (name: string) => figures.find(({ candidate }) => candidate === name)?.rounds.map(value)
    const [sidecar, nginx] = [of('sidecar'), of('nginx')]
    return sidecar === undefined || nginx === undefined ? [] : [[what, medianOf(sidecar), medianOf(nginx)]]
  }
  const kept = { connections: 32, close: false, ratePerSecond: null }
  const constant = all.find(({ load }) => load.bytes === 11_264 && load.ratePerSecond !== null)?.load
  return [
    ...row('CPU per request of 11 KiB, 32 connections, µs', kept, (round) => round.cpuUsPerRequest),
    ...row(
      'the same with a new connection for each request, µs',
      { close: true },
      (round) => round.cpuUsPerRequest,
    ),
    ...(constant === undefined
      ? []
      : row(
          `p50 of 11 KiB at ${digits(constant.ratePerSecond ?? 0)} requests/s, µs`,
          constant,
          (round) => round.p50Us,
        )),
    ...row('memory under load of 32 connections, MiB', kept, (round) => round.rssBytes / 2 ** 20),
  ]
}

function idle(): Row[] {
  const rows = resultOf<Idle[]>('idle')?.result.filter(({ connections }) => connections === 10_000) ?? []
  if (rows.length === 0) return []
  const bytes = (name: string) =>
    medianOf(rows.filter(({ candidate }) => candidate === name).map((one) => one.bytesPerConnection))
  return [['memory per idle connection, bytes', bytes('sidecar'), bytes('nginx')]]
}

function slowClients(): string[] {
  const rows = resultOf<SlowClients[]>('slow-clients')?.result
  if (rows === undefined) return []
  const of = (candidate: string, slow: string) =>
    rows.filter((one) => one.candidate === candidate && one.slow === slow)
  const p50Ms = (candidate: string, slow: string) =>
    medianOf(of(candidate, slow).map(({ p50Us }) => p50Us / 1_000))
  const failures = (candidate: string, slow: string) =>
    medianOf(of(candidate, slow).map((one) => one.failures))
  const unread = 'a response that is not read'
  return [
    `**Slow clients:** ${digits(SLOW_CLIENTS)} clients that do not read their responses change the p50 of other clients of the sidecar from ${p50Ms('sidecar', 'none')} to ${p50Ms('sidecar', unread)} ms, with ${failures('sidecar', unread)} failures; with nginx (one worker, default buffering) it goes from ${p50Ms('nginx', 'none')} to ${p50Ms('nginx', unread)} ms, with ${failures('nginx', unread)} failures.`,
  ]
}

function socketOrTcp(): string[] {
  const runs = resultOf<SocketOrTcp>('socket-or-tcp')?.result.runs ?? []
  const p50s = (protocol: string) =>
    runs
      .filter(({ settings }) => settings.protocol === protocol)
      .flatMap(({ ratios }) => ratios.filter(({ of, compared }) => of === 'p50' && compared === 'tcp'))
      .map(({ median }) => median)
  const [echo, http] = [p50s('echo'), p50s('http')]
  if (echo.length === 0 || http.length === 0) return []
  return [
    `**Socket or TCP:** the p50 over loopback TCP is ${range(echo)} times that over a socket for an echo, and ${range(http)} times for HTTP, depending on the size.`,
  ]
}

function range(numbers: readonly number[]): string {
  const { min, max } = spreadOf(numbers)
  return `${digits(min)} to ${digits(max)}`
}

function startUp(): string[] {
  const times = resultOf<StartTimes>('start-up')?.result
  if (times === undefined) return []
  const ms = (name: string) => medianOf(times[name] ?? [])
  return [
    `**Start-up:** the sidecar accepts connections ${ms('sidecar: accepting')} ms after the start of its process, the app ${ms('app: accepting')} ms.`,
  ]
}

function restart(): string[] {
  const times = resultOf<EngineRestart>(ENGINE_RESTART)?.result
  if (times === undefined) return []
  const p50 = (ms: readonly number[]) => digits(percentile(ms, 50))
  return [
    `**After a crash**, restarted by the container engine: the first 200 comes ${p50(times.sidecarCrashMs)} ms after the end of the sidecar, ${p50(times.appCrashMs)} ms after that of the app.`,
  ]
}

function medianOf(numbers: readonly number[]): string {
  return digits(spreadOf(numbers).median)
}
