import { fileURLToPath } from 'node:url'
import { LOAD_CPU } from '../process/pin.ts'
import { runToEnd } from '../process/run-to-end.ts'

const SCRIPT = fileURLToPath(new URL('checked.lua', import.meta.url))

export interface ClosedLoop {
  readonly port: number
  readonly path: string
  /** How long the body of every answer has to be. */
  readonly bytes: number
  readonly connections: number
  /** One request per connection instead of as many as it takes. */
  readonly close: boolean
  readonly seconds: number
}

/** What a load generator saw. */
export interface Seen {
  readonly requests: number
  readonly seconds: number
  readonly p50Us: number
  readonly p99Us: number
  /** Answers with another status or length, and connections that broke. */
  readonly failures: number
}

/** Each connection sends as soon as it has its answer, from one thread of wrk. */
export async function wrk({ port, path, bytes, connections, close, seconds }: ClosedLoop): Promise<Seen> {
  const load = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', SCRIPT, `http://127.0.0.1:${port}${path}`]
  const output = await runToEnd(['wrk', ...load, '--', `${bytes}`, close ? 'close' : 'keep-alive'], LOAD_CPU)
  return JSON.parse(output.slice(output.lastIndexOf('\n{'))) as Seen
}
