import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { listen } from '../listen/listen.ts'

/** A server that keeps nothing of what `listen` gave it, while memory is collected: `node --expose-gc forgetful.ts PATH`. */
async function startAndForget(path: string): Promise<void> {
  await listen(createServer(), { kind: 'unix', path }, { watch: false })
}

await startAndForget(process.argv[2] ?? '')
for (let round = 0; round < 10; round++) {
  await pause(10)
  globalThis.gc?.()
}
process.send?.('collected')
