import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { formatIdentity } from '../bind/identity.ts'
import { parseEndpoint } from '../endpoint/endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import { listen } from '../listen/listen.ts'
import type { ListenOptions } from '../listen/listen-options.ts'
import type { Listener } from '../listen/listener.ts'

/** What a starter process is told: `node starter.ts '{"endpoint": "unix:/…"}'`. */
export interface StarterTask {
  readonly endpoint: string
  readonly options?: Omit<ListenOptions, 'signal'>
  readonly umask?: number
  /** How the server greets; `http` answers its pid. Default `line`: says its pid and ends. */
  readonly protocol?: 'line' | 'http'
  /** Do not close the listener, but the server, as code does that does not know better. */
  readonly closeServer?: boolean
}

export type StarterMessage =
  | { readonly event: 'listening'; readonly identity: string | null }
  | {
      readonly event: 'failed'
      readonly code: string
      readonly message: string
      readonly hint: string
      readonly exitCode: number
    }
  | { readonly event: 'replaced' | 'republished' | 'lost' | 'draining' }
  | {
      readonly event: 'closed'
      readonly reason: string
      readonly cut: number
      readonly failure: string | null
    }

/** A process that listens until its parent says `close`, and tells what happens; then it ends by itself. */
async function main(task: StarterTask): Promise<void> {
  if (task.umask !== undefined) process.umask(task.umask)
  const server = newServer(task.protocol)
  const listener = await listen(server, parseEndpoint(task.endpoint), task.options)
  report(listener)
  process.on('message', () => (task.closeServer ? server.close() : listener.close()))
  const { reason, cut, failure } = await listener.closed
  tell({ event: 'closed', reason, cut, failure: errnoOf(failure) ?? null })
  process.disconnect?.()
}

function newServer(protocol: StarterTask['protocol']): Server {
  return protocol === 'http'
    ? createHttpServer((_request, response) => response.end(String(process.pid)))
    : createServer((socket) => socket.on('error', () => socket.destroy()).end(String(process.pid)))
}

function report(listener: Listener): void {
  for (const event of ['replaced', 'republished', 'lost', 'draining'] as const)
    listener.on(event, () => tell({ event }))
  tell({ event: 'listening', identity: listener.identity ? formatIdentity(listener.identity) : null })
}

function tell(message: StarterMessage): void {
  process.send?.(message)
}

await main(JSON.parse(process.argv[2] ?? '')).catch((error) => {
  if (!(error instanceof Failure)) throw error
  const { code, message, hint, exitCode } = error
  tell({ event: 'failed', code, message, hint, exitCode })
  process.disconnect?.()
})
