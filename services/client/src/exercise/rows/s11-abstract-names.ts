import { once } from 'node:events'
import { createServer } from 'node:net'
import { dial } from '@uds-sidecar/shared/dial/dial'
import type { AbstractEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { nodeAddress } from '@uds-sidecar/shared/endpoint/node-address'
import { dialogue } from '../../echo/dialogue.ts'
import { type Check, notShown, seen } from '../check.ts'
import { refusal } from '../refusal.ts'

/** S11: a name without a file; the kernel forgets it with its listener. */
export function abstractNames(): Check[] {
  const endpoint: AbstractEndpoint = { kind: 'abstract', name: `uds-exercise-${process.pid}` }
  return [
    {
      row: 'S11',
      what: 'listen on a name here, send "ping"',
      endpoint,
      expected: 'ping',
      observe: () => answered(endpoint),
    },
    {
      row: 'S11',
      what: 'dial it when its listener is gone',
      endpoint,
      expected: 'socket_missing',
      observe: async () => (onLinux() ? refusal('socket_missing', () => dial(endpoint)) : noSuchThing()),
    },
  ]
}

async function answered(endpoint: AbstractEndpoint) {
  if (!onLinux()) return noSuchThing()
  await using server = createServer((socket) => socket.pipe(socket)).listen(nodeAddress(endpoint))
  await once(server, 'listening')
  const [answer = 'nothing'] = await dialogue(endpoint, ['ping'])
  return seen(answer, answer === 'ping')
}

function onLinux(): boolean {
  return process.platform === 'linux'
}

function noSuchThing() {
  return notShown('abstract names are of Linux alone')
}
