import type { Exposition } from '../../suites/exposition.ts'
import type { Idle } from '../../suites/idle.ts'
import type { LargeBody } from '../../suites/large-body.ts'
import type { Routes } from '../../suites/routes.ts'
import type { SlowClients } from '../../suites/slow-clients.ts'
import { resultOf } from '../results.ts'
import { type Section, section } from '../section.ts'
import { show, spreadOf } from '../spread.ts'
import { table } from '../table.ts'

export function idle(): Section | null {
  const rows = resultOf<Idle[]>('idle')?.result
  if (rows === undefined) return null
  const groups = Map.groupBy(rows, ({ candidate, connections }) => `${candidate}, ${connections}`)
  const cells = [...groups].map(([name, all]) => [
    name,
    ...(['bytesPerConnection', 'p50Us', 'p99Us', 'failures'] as const).map((key) =>
      show(spreadOf(all.map((one) => one[key]))),
    ),
  ])
  const head = ['idle connections', 'resident bytes each', 'live p50 µs', 'live p99 µs', 'failures']
  const how =
    'Live traffic meanwhile: 500 requests/s of 11 KiB over 10 more connections. Memory is what the resident set grew by: what the process had reserved before shows as 0.'
  return section('Idle connections', [how, table(head, cells)])
}

export function slowClients(): Section | null {
  const rows = resultOf<SlowClients[]>('slow-clients')?.result
  if (rows === undefined) return null
  const groups = Map.groupBy(rows, ({ candidate, slow }) => `${candidate}, ${slow}`)
  const cells = [...groups].map(([name, all]) => [
    name,
    ...(['p50Us', 'p99Us', 'failures'] as const).map((key) => show(spreadOf(all.map((one) => one[key])))),
    show(spreadOf(all.map(({ rssBytes }) => rssBytes / 2 ** 20))),
  ])
  const head = ['slow clients', 'live p50 µs', 'live p99 µs', 'failures', 'memory MiB']
  const how =
    'Live traffic: 500 requests/s of 11 KiB over 10 connections, beside 1,024 slow clients of another address and 63 of the same. Limits are the defaults. nginx refuses the POST at once here, so that it has no body to wait for.'
  return section('Slow clients', [how, table(head, cells)])
}

export function largeBody(): Section | null {
  const rows = resultOf<LargeBody[]>('large-body')?.result
  if (rows === undefined) return null
  const cells = [...Map.groupBy(rows, ({ candidate }) => candidate)].map(([name, all]) => [
    name,
    show(spreadOf(all.map(({ rssBeforeBytes }) => rssBeforeBytes / 2 ** 20))),
    show(spreadOf(all.map(({ rssPeakBytes }) => rssPeakBytes / 2 ** 20))),
    show(spreadOf(all.map(({ seconds }) => seconds))),
  ])
  return section('A body of 100 MiB', [table(['', 'memory before, MiB', 'at most, MiB', 'seconds'], cells)])
}

export function routes(): Section | null {
  const rows = resultOf<Routes[]>('routes')?.result
  if (rows === undefined) return null
  const cells = [...Map.groupBy(rows, (row) => row.routes)].map(([count, all]) => [
    `${count}`,
    show(spreadOf(all.map(({ acceptingMs }) => acceptingMs))),
    show(spreadOf(all.map(({ rssBytes }) => rssBytes / 2 ** 20))),
    show(spreadOf(all.map(({ cpuUsPerRequest }) => cpuUsPerRequest))),
  ])
  const how = 'Each route on a port of its own; 32 connections to one of them, 11 KiB bodies.'
  const head = ['routes', 'ms until all accept', 'memory then, MiB', 'CPU µs/request']
  return section('Routes', [how, table(head, cells)])
}

export function exposition(): Section | null {
  const rows = resultOf<Exposition[]>('exposition')?.result
  if (rows === undefined) return null
  const cells = rows.map(({ series, scrapers, ms, cpuMs }) => [
    `${series} series, ${scrapers} scraper(s)`,
    show(spreadOf(ms)),
    show(spreadOf(cpuMs)),
  ])
  const how =
    'Scrapers that ask at the same moment, of an app that renders with prom-client; CPU of app and sidecar together.'
  return section('Scrapes', [how, table(['', 'ms to the last answer', 'CPU ms'], cells)])
}
