import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { endianness, networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { ownAddresses } from './own-addresses.ts'

/** As /proc/net/route has it on this machine. */
function inKernelOrder(hex: string): string {
  return endianness() === 'LE' ? Buffer.from(hex, 'hex').reverse().toString('hex').toUpperCase() : hex
}

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
    const { gateways } = ownAddresses({ ipv4: directory.at('4'), ipv6: directory.at('6') })
    assert.deepEqual(gateways, ['192.0.2.1', '10.0.0.254', 'fd00::1'])
  })

  it('have no gateway where the kernel does not tell', () => {
    assert.deepEqual(ownAddresses({ ipv4: '/nowhere', ipv6: '/nowhere' }).gateways, [])
  })

  it('that the system does not tell are a failure, and nothing is dialled', () => {
    const interfaces = () => {
      throw Object.assign(new Error('uv_interface_addresses'), { code: 'ERR_SYSTEM_ERROR' })
    }
    assert.throws(() => ownAddresses(undefined, interfaces), { code: 'io_error', hint: /AF_NETLINK/ })
  })
})
