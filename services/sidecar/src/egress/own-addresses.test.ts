import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { endianness, type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { ownAddresses } from './own-addresses.ts'

/** As /proc/net/route has it on this machine. */
function inKernelOrder(hex: string): string {
  return endianness() === 'LE' ? Buffer.from(hex, 'hex').reverse().toString('hex').toUpperCase() : hex
}

/** Interfaces with these addresses, such as `10.0.0.5/24`. The first is loopback. */
function having(...cidrs: readonly string[]): typeof networkInterfaces {
  const all = ['127.0.0.1/8', '::1/128', ...cidrs].map((cidr, index): NetworkInterfaceInfo => {
    const [address = '', bits] = cidr.split('/')
    const rest = { mac: '', internal: index < 2, cidr }
    if (!address.includes(':')) return { ...rest, address, family: 'IPv4', netmask: ipv4Mask(Number(bits)) }
    return { ...rest, address, family: 'IPv6', scopeid: 0, netmask: ipv6Mask(Number(bits)) }
  })
  return () => ({ lo: all.slice(0, 2), eth0: all.slice(2) })
}

function ipv4Mask(bits: number): string {
  return Array.from({ length: 4 }, (_, i) => (0xff00 >> Math.min(Math.max(bits - 8 * i, 0), 8)) & 0xff).join(
    '.',
  )
}

function ipv6Mask(bits: number): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => (0xffff0000 >> Math.min(Math.max(bits - 16 * i, 0), 16)) & 0xffff,
  )
  const text = groups.map((group) => group.toString(16)).join(':')
  return text.replace(/(?:(?:^|:)0)+$/, '::')
}

const NOWHERE = { ipv4: '/nowhere', ipv6: '/nowhere' }

const ZERO = '0'.repeat(32)
const GATEWAY = `fd00${'0'.repeat(27)}1`

describe('the addresses of this machine', () => {
  it('are those of all its interfaces, loopback included', () => {
    const { own } = ownAddresses()
    assert.ok(own.includes('127.0.0.1'))
    const real = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
    assert.deepEqual(own.toSorted(), real.toSorted())
  })

  it('have the gateways of all routes that the kernel lists', async () => {
    await using directory = await tempDirectory()
    await writeFile(
      directory.at('4'),
      `Iface\tDestination\tGateway \tFlags\nlo\n` +
        `eth0\t00000000\t${inKernelOrder('C0000201')}\t0003\n` +
        `eth0\t${inKernelOrder('AC110000')}\t00000000\t0001\n` +
        `eth1\t${inKernelOrder('0A000000')}\t${inKernelOrder('0A0000FE')}\t0003\n`,
    )
    await writeFile(
      directory.at('6'),
      `${ZERO} 00 ${ZERO} 00 ${GATEWAY} 0400 eth0\n${ZERO} 40 ${ZERO} 00 ${ZERO} 01 lo\n`,
    )
    const routes = { ipv4: directory.at('4'), ipv6: directory.at('6') }
    const { gateways } = ownAddresses(routes, having())
    assert.deepEqual(gateways, ['192.0.2.1', '10.0.0.254', 'fd00::1'])
    const connected = having('172.17.0.2/16', '10.0.0.7/24', '192.0.2.9/24', 'fd00::2/64', 'fd00:1::2/64')
    assert.deepEqual(
      ownAddresses(routes, connected).gateways,
      ['192.0.2.1', '10.0.0.254', 'fd00::1', '172.17.0.1', 'fd00:1::1'],
      'and the first addresses of networks without one',
    )
  })

  it('have no gateway where the kernel does not tell', () => {
    assert.deepEqual(ownAddresses(NOWHERE, having()).gateways, [])
  })

  for (const [what, connected, expected] of [
    ['a network of Docker', ['172.20.0.3/16'], ['172.20.0.1']],
    ['a part of a network', ['192.168.7.70/26'], ['192.168.7.65']],
    ['a network that ends within a byte', ['10.9.131.7/17'], ['10.9.128.1']],
    ['a network of a provider', ['100.64.8.9/10'], ['100.64.0.1']],
    ['the smallest network with a broadcast', ['10.0.0.6/30'], ['10.0.0.5']],
    ['two machines, from the second', ['10.0.0.1/31'], ['10.0.0.0']],
    ['two machines, from the first', ['10.0.0.0/31'], ['10.0.0.1']],
    ['one machine alone', ['10.0.0.6/32', 'fd00::6/128'], []],
    ['a network of IPv6', ['fd00:de:1::2/64'], ['fd00:de:1::1']],
    ['a long prefix of IPv6', ['fd00::ab/120'], ['fd00::1']],
    ['two machines of IPv6', ['fd00::6/127'], ['fd00::7']],
    [
      'both families, and a network that is connected twice',
      ['172.20.0.3/16', 'fd00::2/64', '172.20.0.4/16'],
      ['172.20.0.1', 'fd00::1'],
    ],
    ['a network whose gateway this machine is', ['172.20.0.1/16', 'fd00::1/64'], []],
    ['a network that anybody can reach', ['93.184.216.34/24', '2606:2800::7/64'], []],
    ['a link', ['fe80::42/64', '169.254.9.9/16'], []],
  ] as const)
    it(`take the first address for a gateway: ${what}`, () => {
      assert.deepEqual(ownAddresses(NOWHERE, having(...connected)).gateways, expected)
    })

  it('that the system does not tell are a failure, and nothing is dialled', () => {
    const interfaces = () => {
      throw Object.assign(new Error('uv_interface_addresses'), { code: 'ERR_SYSTEM_ERROR' })
    }
    assert.throws(() => ownAddresses(undefined, interfaces), { code: 'io_error', hint: /AF_NETLINK/ })
  })
})
