import fs from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { createServer, type Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { ListenOptions } from '../src/listen/listen-options.ts'
import { type Holding, WAYS, type WayName } from './ways.ts'

/** An order of the parent. `atMs` is a time of the system clock, so that all starters begin together. */
export type Order =
  | {
      readonly order: 'start'
      readonly path: string
      readonly way: WayName
      readonly atMs: number
      readonly options: ListenOptions
      readonly http: boolean
      readonly umask: number
      /** Whether it stops before each {@link Step} until it gets `go-on`. */
      readonly stopping: boolean
    }
  | { readonly order: 'go-on' }
  | { readonly order: 'stop'; readonly afterMs: number }

export type Report =
  | { readonly report: 'ready' | 'owns' | 'ended' }
  | { readonly report: 'refused'; readonly code: string }
  | { readonly report: 'stopped'; readonly before: Step }

/** Before these steps a client could find a socket that is not ready. */
export type Step = 'chmod' | 'rename'

/**
 * One of many processes that want to own the same path. It is kept between rounds, because starting it takes longer than
 * a round. From `owns` to `ended` it believes that it owns the path. It sends its pid to each client.
 */
let holding: Holding | undefined
let isStopping = false
let goOn = Promise.withResolvers<void>()

const { chmod, rename } = fs.promises
fs.promises.chmod = async (path, mode) => {
  await stopBefore('chmod')
  await chmod(path, mode)
}
fs.promises.rename = async (from, to) => {
  await stopBefore('rename')
  await rename(from, to)
}
syncBuiltinESMExports()

async function stopBefore(step: Step): Promise<void> {
  if (!isStopping) return
  goOn = Promise.withResolvers()
  tell({ report: 'stopped', before: step })
  await goOn.promise
}

async function start(order: Order & { order: 'start' }): Promise<void> {
  const { path, way, atMs, options, http, umask, stopping } = order
  isStopping = stopping
  process.umask(umask)
  await pause(Math.max(0, atMs - Date.now()))
  try {
    const mine = await WAYS[way](newServer(http), path, options)
    holding = mine
    tell({ report: 'owns' })
    mine.ended.then(() => tell({ report: 'ended' }))
  } catch (error) {
    tell({ report: 'refused', code: String((error as NodeJS.ErrnoException).code) })
  }
}

function newServer(http: boolean): Server {
  const pid = String(process.pid)
  return http
    ? createHttpServer((_request, response) => response.end(pid))
    : createServer((socket) => socket.on('error', () => socket.destroy()).end(pid))
}

function tell(report: Report): void {
  process.send?.(report)
}

process.on('message', async (order: Order) => {
  if (order.order === 'start') return start(order)
  if (order.order === 'go-on') return goOn.resolve()
  await pause(order.afterMs)
  holding?.close()
})
process.on('disconnect', () => process.exit())
tell({ report: 'ready' })
