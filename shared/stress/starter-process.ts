import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { ListenOptions } from '../src/listen/listen-options.ts'
import { type Holding, WAYS, type WayName } from './ways.ts'

/** What the parent orders. `atMs` is a time of the system's clock: all starters begin together. */
export type Order =
  | {
      readonly order: 'start'
      readonly path: string
      readonly way: WayName
      readonly atMs: number
      readonly options: ListenOptions
      readonly http: boolean
      readonly umask: number
    }
  | { readonly order: 'stop'; readonly afterMs: number }

export type Report =
  | { readonly report: 'ready' | 'owns' | 'ended' }
  | { readonly report: 'refused'; readonly code: string }

/**
 * One of many processes that want the same path, kept alive between the rounds, for its start costs more than a
 * round. It believes to own the path from `owns` to `ended`, and tells whoever connects its pid.
 */
let holding: Holding | undefined

async function start({ path, way, atMs, options, http, umask }: Order & { order: 'start' }): Promise<void> {
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
  await pause(order.afterMs)
  holding?.close()
})
process.on('disconnect', () => process.exit())
tell({ report: 'ready' })
