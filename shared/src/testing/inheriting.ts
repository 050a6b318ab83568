import { createServer } from 'node:net'
import { parseEndpoint } from '../endpoint/endpoint.ts'
import { inheritedDescriptors } from '../listen/inherited-descriptors.ts'
import { listen } from '../listen/listen.ts'

/** A program that is given its listening socket: `node inheriting.ts ENDPOINT`. */
const endpoint = parseEndpoint(process.argv[2] ?? '')
const descriptors = inheritedDescriptors(process.env)
const fd = descriptors.get('api')
const server = createServer((socket) => socket.end('inherited'))
const listener = await listen(server, endpoint, { fd })
process.once('message', () => listener.close())
process.send?.({ descriptors: Object.fromEntries(descriptors), identity: listener.identity === undefined })
await listener.closed
process.disconnect?.()
