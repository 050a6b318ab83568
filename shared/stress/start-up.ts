import { fork } from 'node:child_process'
import { once } from 'node:events'
import { tempDirectory } from '../src/testing/files.ts'

/**
 * Measures what the bind protocol costs at start-up. `node shared/stress/start-up.ts` starts new processes one after the
 * other and prints JSON: the milliseconds that each way took, and those since the start of the process.
 */
const MODULE = new URL('./start-up-process.ts', import.meta.url)
const WAYS = ['plain server.listen', 'lock alone', 'listen']
const ROUNDS = 31

async function measure(path: string, way: string): Promise<[wayMs: number, sinceStartMs: number]> {
  const begin = performance.now()
  const child = fork(MODULE, [path, way], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  const [wayMs] = await once(child, 'message')
  const sinceStartMs = performance.now() - begin
  await exited
  return [wayMs, sinceStartMs]
}

function median(numbers: number[]): number {
  const middle = numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0
  return Math.round(middle * 10) / 10
}

await using directory = await tempDirectory()
const results = new Map(WAYS.map((way) => [way, { way: [] as number[], start: [] as number[] }]))
for (let round = 0; round < ROUNDS; round++)
  for (const [way, { way: wayMs, start }] of results) {
    const [ms, sinceStartMs] = await measure(directory.at(`s${round}`), way)
    wayMs.push(ms)
    start.push(sinceStartMs)
  }
const medians = [...results].map(([way, ms]) => ({ way, ms: median(ms.way), sinceStartMs: median(ms.start) }))
process.stdout.write(`${JSON.stringify({ rounds: ROUNDS, medians }, null, 2)}\n`)
