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

/** What Redis prints when it is up; the words around it differ between versions. */
export const REDIS_READY = /ready to accept connections/i

/** Redis on a socket alone, as in the compose stack; it keeps nothing. */
export function redisProgram(directory: RunDirectory): Program {
  const socket = ['--port', '0', '--unixsocket', `${directory.redis}/redis.sock`, '--unixsocketperm', '660']
  const nothingKept = ['--save', '', '--appendonly', 'no', '--dir', directory.redis]
  return new Program({ name: 'redis-server', command: 'redis-server', args: [...socket, ...nothingKept] })
}
