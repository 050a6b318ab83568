// A name server for the sidecar, in its network. Each question is one line of the log. On the port of the tunnels is a trap:
// a connection to it was led to the sidecar's own addresses.
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { createServer, isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'

const engine = new Resolver()
engine.setServers(['127.0.0.11'])
const [partner] = await engine.resolve4('partner')
const interfaces = Object.values(networkInterfaces())
  .flat()
  .filter(({ family, internal }) => family === 'IPv4' && !internal)
const own = interfaces[0].address
const gateway = readFileSync('/proc/net/route', 'latin1')
  .split('\n')
  .map((line) => line.split('\t'))
  .filter(([, destination]) => destination === '00000000')
  .map(([, , hex]) => Buffer.from(hex, 'hex').reverse().join('.'))[0]
/** Of the network without a route to any other, where the machine of the engine has the first address. */
const unrouted = interfaces.map(firstOf).find((first) => first !== gateway)

/** Addresses by the first label; of several lists each is the result of one more question, and the last of all further. */
const NAMES = {
  good: [[partner]],
  web: [[partner]],
  turned: [[partner], ['127.0.0.1']],
  rebound: [[partner], ['127.0.0.1']],
  mixed: [['127.0.0.1', partner, gateway]],
  loopback: [['127.0.0.1']],
  'other-loopback': [['127.83.0.1']],
  nowhere: [['0.0.0.0']],
  own: [[own]],
  gateway: [[gateway]],
  unrouted: [[unrouted]],
  metadata: [['169.254.169.254']],
  'v6-loopback': [['::1']],
  mapped: [['::ffff:7f00:1']],
  'mapped-own': [[`::ffff:${own}`]],
  'mapped-gateway': [[`::ffff:${gateway}`]],
  translated: [['::ffff:0:7f00:1']],
  compatible: [['::7f00:1']],
  nat64: [['64:ff9b::7f00:1']],
  '6to4': [['2002:7f00:1::1']],
}
const asked = new Map()

const server = createSocket('udp4')
server.on('message', (query, { port, address }) => {
  let at = 12
  const labels = []
  for (let length = query[at]; length > 0; length = query[at]) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const isV4 = query.readUInt16BE(at + 1) === 1
  const end = at + 5
  console.log(`${isV4 ? 'A' : 'AAAA'} ${labels.join('.')}`)
  const key = `${isV4} ${labels[0]}`
  const lists = NAMES[labels[0]] ?? [[]]
  const addresses = lists[Math.min(asked.get(key) ?? 0, lists.length - 1)]
  asked.set(key, (asked.get(key) ?? 0) + 1)
  const answers = addresses
    .filter((each) => isIPv4(each) === isV4)
    .map((each) => record(isV4 ? v4(each) : v6(each), isV4))
  const head = Buffer.from(query.subarray(0, 12))
  head.writeUInt16BE(0x8180, 2) // a response without an error
  head.writeUInt16BE(answers.length, 6)
  head.writeUInt32BE(0, 8)
  server.send(Buffer.concat([head, query.subarray(12, end), ...answers]), port, address)
})

function record(bytes, isV4) {
  return Buffer.concat([Buffer.from([0xc0, 12, 0, isV4 ? 1 : 28, 0, 1, 0, 0, 0, 0, 0, bytes.length]), bytes])
}

function firstOf({ address, netmask }) {
  const mask = v4(netmask)
  const network = v4(address).map((byte, index) => byte & mask[index])
  network[3] |= 1
  return network.join('.')
}

function v4(text) {
  return Buffer.from(text.split('.').map(Number))
}

/** Groups of hexadecimal digits alone, and IPv4 at the end. */
function v6(text) {
  const plain = text.replace(/\d+\.\d+\.\d+\.\d+$/, (inner) => {
    const hex = v4(inner).toString('hex')
    return `${hex.slice(0, 4)}:${hex.slice(4)}`
  })
  const [head, tail] = plain.split('::').map((part) => part.split(':').filter(Boolean))
  const groups = [...head, ...new Array(8 - head.length - tail.length).fill('0'), ...tail]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

createServer((socket) => {
  console.log('the trap was reached')
  socket.on('error', () => socket.destroy()).end()
}).listen(8443, '::', () => server.bind(53, '127.0.0.1', () => console.log('ready')))
