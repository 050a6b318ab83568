import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Program } from './program.ts'
import type { RunDirectory } from './run-directory.ts'

/** Whether there is a `redis-server` in PATH. */
export async function hasRedis(): Promise<boolean> {
  const child = spawn('redis-server', ['--version'], { stdio: 'ignore' })
  const [status] = await once(child, 'close').catch(() => [null])
  return status === 0
}

/** Redis prints this when it accepts connections; the rest of the line differs between versions. */
export const REDIS_READY = /ready to accept connections/i

/** Redis on a socket only, as in the compose stack, but without persistence. */
export function redisProgram(directory: RunDirectory): Program {
  const socket = ['--port', '0', '--unixsocket', `${directory.redis}/redis.sock`, '--unixsocketperm', '660']
  const nothingKept = ['--save', '', '--appendonly', 'no', '--dir', directory.redis]
  return new Program({ name: 'redis-server', command: 'redis-server', args: [...socket, ...nothingKept] })
}
