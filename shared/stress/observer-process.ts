import { lstatSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { dial } from '../src/dial/dial.ts'

export interface Observation {
  looks: number
  missing: number
  wrongMode: number
  connections: number
  /** Failed connections, by code. */
  failed: Record<string, number>
}

const LOOKS = 20

/** `observer-process.ts PATH MODE` checks a path and connects to it in a loop, from the first message to the second. */
const [path = '', mode = ''] = process.argv.slice(2)
let observing = false

async function observe(): Promise<Observation> {
  const seen: Observation = { looks: 0, missing: 0, wrongMode: 0, connections: 0, failed: {} }
  while (observing) {
    for (let n = 0; n < LOOKS; n++) look(seen)
    await connect(seen)
    await turn()
  }
  return seen
}

function look(seen: Observation): void {
  seen.looks++
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) seen.missing++
  else if ((stats.mode & 0o777) !== Number(mode)) seen.wrongMode++
}

async function connect(seen: Observation): Promise<void> {
  seen.connections++
  const received = await dial({ kind: 'unix', path }).then(
    (socket) => text(socket.end()).catch((error) => error.code),
    (error) => error.code,
  )
  if (/^\d+$/.test(received)) return
  const code = received === '' ? 'empty' : received
  seen.failed[code] = (seen.failed[code] ?? 0) + 1
}

process.on('message', async () => {
  observing = !observing
  if (observing) process.send?.(await observe())
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
