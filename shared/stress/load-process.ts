import { setTimeout as pause } from 'node:timers/promises'
import { EndpointAgent, request } from '../src/http/request.ts'

export interface Load {
  keptConnections: number
  newConnections: number
  failed: Record<string, number>
}

const KEPT = 6
const NEW = 4
const MAX_THINK_MS = 20

/** `load-process.ts PATH` sends requests in a loop, some on kept connections; half of those pause between requests. */
const endpoint = { kind: 'unix', path: process.argv[2] ?? '' } as const
const load: Load = { keptConnections: 0, newConnections: 0, failed: {} }

async function ask(agent: EndpointAgent | undefined): Promise<void> {
  try {
    const { status } = await request(endpoint, agent ? { agent } : {})
    if (status !== 200) fail(String(status))
  } catch (error) {
    fail(String((error as { code?: string }).code))
  }
  if (agent) load.keptConnections++
  else load.newConnections++
}

function fail(code: string): void {
  load.failed[code] = (load.failed[code] ?? 0) + 1
}

async function keep(thinkMs: number): Promise<void> {
  const agent = new EndpointAgent(endpoint, {}, { keepAlive: true, maxSockets: 1 })
  for (;;) {
    await ask(agent)
    if (thinkMs > 0) await pause(Math.random() * thinkMs)
  }
}

async function renew(): Promise<void> {
  for (;;) await ask(undefined)
}

process.on('message', () => process.send?.(load))
process.on('disconnect', () => process.exit())
process.send?.('ready')
for (let n = 0; n < KEPT; n++) void keep(n % 2 === 0 ? 0 : MAX_THINK_MS)
for (let n = 0; n < NEW; n++) void renew()
