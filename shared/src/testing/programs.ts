import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { formatIdentity } from '../bind/identity.ts'
import { dial } from '../dial/dial.ts'
import { parseEndpoint } from '../endpoint/endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import { LOCK_EX, LOCK_NB, libc } from '../kernel/libc.ts'
import { peerOf, requirePeerCredentials } from '../kernel/peer.ts'
import { notify } from '../lifecycle/notify.ts'
import { runMain, untilSignal } from '../lifecycle/run-main.ts'
import { inheritedDescriptors } from '../listen/inherited-descriptors.ts'
import { listen } from '../listen/listen.ts'
import type { ListenOptions } from '../listen/listen-options.ts'
import type { Listener } from '../listen/listener.ts'

/** Programs that tests run as processes of their own: `node programs.ts NAME ARGUMENT…`, started by `Child`. */
const PROGRAMS = {
  serve,
  'serve-plainly': servePlainly,
  'serve-inherited': serveInherited,
  'serve-and-forget': serveAndForget,
  'serve-peers': servePeers,
  dial: dialOnce,
  'call-libc': callLibc,
  notify: notifyAll,
  run: runToAnEnd,
} satisfies Record<string, (...args: string[]) => Promise<void>>

export type ProgramName = keyof typeof PROGRAMS

/** What `serve` is to do, as JSON in its argument. */
export interface StarterTask {
  readonly endpoint: string
  readonly options?: Omit<ListenOptions, 'signal'>
  readonly umask?: number
  /** `line` writes its pid to each connection and ends it; `http` responds with its pid. Default `line`. */
  readonly protocol?: 'line' | 'http'
  /** Close the server instead of the listener, as code does that does not know the listener. */
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

/** Listens until its parent sends `close`, and reports each event. */
async function serve(json = ''): Promise<void> {
  const task: StarterTask = JSON.parse(json)
  try {
    await serveTask(task)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { code, message, hint, exitCode } = error
    report({ event: 'failed', code, message, hint, exitCode })
  }
  process.disconnect?.()
}

async function serveTask(task: StarterTask): Promise<void> {
  if (task.umask !== undefined) process.umask(task.umask)
  const server = newServer(task.protocol)
  const listener = await listen(server, parseEndpoint(task.endpoint), task.options)
  reportEvents(listener)
  process.on('message', () => (task.closeServer ? server.close() : listener.close()))
  const { reason, cut, failure } = await listener.closed
  report({ event: 'closed', reason, cut, failure: errnoOf(failure) ?? null })
}

function newServer(protocol: StarterTask['protocol']): Server {
  return protocol === 'http'
    ? createHttpServer((_request, response) => response.end(String(process.pid)))
    : createServer((socket) => socket.on('error', () => socket.destroy()).end(String(process.pid)))
}

function reportEvents(listener: Listener): void {
  for (const event of ['replaced', 'republished', 'lost', 'draining'] as const)
    listener.on(event, () => report({ event }))
  report({ event: 'listening', identity: listener.identity ? formatIdentity(listener.identity) : null })
}

function report(message: StarterMessage): void {
  process.send?.(message)
}

/** A server that does not know the bind protocol. A test pauses it with SIGSTOP, so that it accepts nothing. */
async function servePlainly(path = '', backlog = '511'): Promise<void> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).end('plain'))
  await once(server.listen({ path, backlog: Number(backlog) }), 'listening')
  process.send?.('listening')
}

/** Serves on the listening socket that its parent passed under the name `api` (LISTEN_FDS). */
async function serveInherited(endpoint = ''): Promise<void> {
  const descriptors = inheritedDescriptors(process.env)
  const server = createServer((socket) => socket.end('inherited'))
  const listener = await listen(server, parseEndpoint(endpoint), { fd: descriptors.get('api') })
  process.once('message', () => listener.close())
  process.send?.({ descriptors: Object.fromEntries(descriptors), identity: listener.identity === undefined })
  await listener.closed
  process.disconnect?.()
}

/** Keeps no reference to what `listen` returned while memory is collected; needs `--expose-gc`. */
async function serveAndForget(path = ''): Promise<void> {
  await listenAndForget(path)
  for (let round = 0; round < 10; round++) {
    await pause(10)
    globalThis.gc?.()
  }
  process.send?.('collected')
}

async function listenAndForget(path: string): Promise<void> {
  await listen(createServer(), { kind: 'unix', path }, { watch: false })
}

/** A server that sends its parent each peer that connects: first `listening`, then `{ peer }` each time. */
async function servePeers(path = ''): Promise<void> {
  const server = createServer((socket) => {
    process.send?.({ peer: peerOf(socket) ?? 'unknown' })
    socket.on('error', () => socket.destroy()).end()
  })
  await once(server.listen({ path, writableAll: true }), 'listening')
  process.send?.('listening')
}

/** What `call-libc` found out. */
export interface LibcReport {
  /** Whether node:ffi was loaded before the first call, and after it. */
  readonly loaded: readonly [boolean, boolean]
  readonly available: boolean
  readonly reason: string | undefined
  readonly hint: string | undefined
  /** Of flock(2) on a descriptor that is not open. */
  readonly errno: string | undefined
  /** The failure of a start that needs peer credentials. */
  readonly refused: readonly [code: string, exitCode: number, message: string, hint: string] | undefined
}

/** Sends a `LibcReport`; stderr shows the warnings of Node. */
async function callLibc(): Promise<void> {
  const before = isFfiLoaded()
  const c = libc()
  const after = isFfiLoaded()
  process.emitWarning('of another feature', 'ExperimentalWarning')
  const found: LibcReport = {
    loaded: [before, after],
    available: c.available,
    reason: c.available ? undefined : c.reason,
    hint: c.available ? undefined : c.hint,
    errno: c.available ? errnoOf(thrownBy(() => c.flock(9_999, LOCK_EX | LOCK_NB))) : undefined,
    refused: refusalOf(thrownBy(() => requirePeerCredentials('a test'))),
  }
  process.send?.(found)
}

function isFfiLoaded(): boolean {
  const modules: unknown = Reflect.get(process, 'moduleLoadList')
  return Array.isArray(modules) && modules.includes('NativeModule ffi')
}

function thrownBy(call: () => void): unknown {
  try {
    call()
    return undefined
  } catch (error) {
    return error
  }
}

function refusalOf(error: unknown): LibcReport['refused'] {
  if (error === undefined) return undefined
  if (!(error instanceof Failure)) throw error
  const { code, exitCode, message, hint } = error
  return [code, exitCode, message, hint]
}

/** Tells a service manager all states in turn, and sends the problems. */
async function notifyAll(): Promise<void> {
  const problems: string[] = []
  const options = { env: process.env, onProblem: (problem: string) => void problems.push(problem) }
  for (const state of ['ready', 'reloading', 'ready', 'stopping'] as const) await notify(state, options)
  process.send?.(problems)
}

/** Sends `connected`, or the code and errno of the failure. */
async function dialOnce(endpoint = ''): Promise<void> {
  try {
    const socket = await dial(parseEndpoint(endpoint))
    socket.destroy()
    process.send?.('connected')
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    process.send?.({ code: error.code, errno: error.errno })
  }
}

/** Ends in the way that its argument names. */
async function runToAnEnd(way = ''): Promise<void> {
  const main = WAYS_TO_END[way]
  if (main === undefined) throw new Error(`there is no way ${way}`)
  await runMain('running', main)
  process.channel?.unref()
}

const WAYS_TO_END: Record<string, () => Promise<void>> = {
  end: async () => undefined,
  fail: async () => {
    throw new Failure('in_use', { message: 'another owns it', hint: 'stop it', errno: 'EADDRINUSE' })
  },
  colour: async () => {
    throw new Failure('in_use', { message: 'on /\u001b[31m\u009bs', hint: 'stop \r\u202eit' })
  },
  break: async () => {
    throw new Error('a defect')
  },
  wait: waitForSignal,
  linger: async () => {
    const stay = setInterval(() => undefined, 1_000)
    await waitForSignal()
    stay.ref()
  },
}

async function waitForSignal(): Promise<void> {
  const signal = untilSignal()
  process.on('message', () => undefined) // keeps the process alive
  process.send?.('waiting')
  await once(signal, 'abort')
  process.send?.(signal.reason)
  process.removeAllListeners('message')
}

if (import.meta.main) {
  const [name = '', ...args] = process.argv.slice(2)
  const program = Object.entries(PROGRAMS).find(([known]) => known === name)?.[1]
  if (program === undefined) throw new Error(`there is no program ${name}`)
  await program(...args)
}
