import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { resolverOf } from '../testing/connect-stack.ts'
import { EGRESS_REASONS } from './egress-denied.ts'
import { EgressPolicy, lookupOf } from './egress-policy.ts'
import { parseConnectRule } from './host-name.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

function policy(
  addresses: readonly string[],
  allowAddresses: readonly string[] = [],
  gateways: readonly string[] = [],
) {
  const asked: string[] = []
  const allow = ['CONNECT api.example.org:443', 'CONNECT 10.0.0.1:443', 'CONNECT [fd00::1]:443'].flatMap(
    (text) => parseConnectRule(text) ?? [],
  )
  const resolver = {
    async lookup(name: string) {
      asked.push(name)
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    },
  }
  return {
    asked,
    policy: new EgressPolicy({ allow, allowAddresses, resolver, own: () => ({ own: [], gateways }) }),
  }
}

describe('the addresses of a host', () => {
  it('are those that may be dialled, in the order of the look-up', async () => {
    const { policy: rules } = policy(['10.0.0.1', '2606:2800::1', '::ffff:93.184.216.34', '93.184.216.34'])
    assert.deepEqual(await rules.addressesOf(rules.read('api.example.org:443')), [
      { address: '2606:2800::1', family: 6 },
      { address: '93.184.216.34', family: 4 },
    ])
  })

  it('are asked for in the name of the route, which waits for its own look-ups alone', async () => {
    const askers: (string | undefined)[] = []
    const resolver = {
      async lookup(_name: string, asker?: string) {
        askers.push(asker)
        return [{ address: '93.184.216.34', family: 4 }]
      },
    }
    const allow = parseConnectRule('CONNECT a.example:443') ?? assert.fail()
    const rules = new EgressPolicy({ name: 'proxy', allow: [allow], allowAddresses: [], resolver })
    await rules.addressesOf(rules.read('a.example:443'))
    assert.deepEqual(askers, ['proxy'])
  })

  it('are not those of a gateway, however large the block that is allowed', async () => {
    for (const authority of ['api.example.org:443', '10.0.0.1:443']) {
      const { policy: rules } = policy(['10.0.0.1'], ['10.0.0.0/8'], ['10.0.0.1'])
      await assert.rejects(rules.addressesOf(rules.read(authority)), {
        code: 'egress_denied',
        reason: 'address_refused',
      })
    }
    for (const [address, entry] of [
      ['10.0.0.1', '10.0.0.1/32'],
      ['fd00::1', 'fd00::1/128'],
    ] as const) {
      const { policy: rules } = policy([address], ['10.0.0.0/8', 'fd00::/8'], [address])
      await assert.rejects(rules.addressesOf(rules.read('api.example.org:443')), {
        facts: {
          host: 'api.example.org',
          port: 443,
          addresses: [
            `${address}: gateway (of a route, or the first address of a network without one); if it is the right host, name ${entry} in allowAddresses`,
          ],
        },
      })
    }
    const { policy: exact } = policy([], ['10.0.0.1/32'], ['10.0.0.1'])
    assert.equal((await exact.addressesOf(exact.read('10.0.0.1:443'))).length, 1)
  })

  it('of an address are itself, without a look-up', async () => {
    const { policy: rules, asked } = policy([], ['fd00::/8'])
    assert.deepEqual(await rules.addressesOf(rules.read('[fd00:0::1]:443')), [
      { address: 'fd00::1', family: 6 },
    ])
    assert.deepEqual(asked, [])
  })

  it('that are refused are in the facts for the log, and not in the message', async () => {
    const { policy: rules } = policy(['10.0.0.7', 'fe80::1%eth0'])
    await assert.rejects(
      rules.addressesOf(rules.read('api.example.org:443')),
      (error: Error & { facts?: unknown }) => {
        assert.doesNotMatch(error.message, /10\.0\.0\.7/)
        assert.deepEqual(error.facts, {
          host: 'api.example.org',
          port: 443,
          addresses: ['10.0.0.7: private', 'fe80::1%eth0: not an address'],
        })
        return true
      },
    )
  })
})

describe('a name that does not resolve', () => {
  const rulesWith = (errno: string | undefined, ...texts: readonly string[]) => {
    const resolver = {
      lookup: () =>
        Promise.reject(new Failure('host_unknown', { message: 'cannot resolve it', hint: 'join', errno })),
    }
    const allow = texts.flatMap((text) => parseConnectRule(text) ?? assert.fail(text))
    return new EgressPolicy({ allow, allowAddresses: [], resolver })
  }
  const failureOf = async (rules: EgressPolicy, authority: string) => {
    const error: unknown = await rules.addressesOf(rules.read(authority)).catch((error: unknown) => error)
    return error instanceof Failure ? error : assert.fail(`${error}`)
  }

  it('is the fault of the client when only a wildcard rule names it', async () => {
    const rules = rulesWith('ENOTFOUND', 'CONNECT *.example.org:443', 'CONNECT www.example.org:443')
    const failure = await failureOf(rules, 'no-such-host.example.org:443')
    assert.deepEqual(
      [failure.code, failure.status, failure.message, failure.errno, failure.isRefusal, failure.level],
      ['host_unknown', 502, 'cannot resolve it', 'ENOTFOUND', true, 'info'],
    )
    assert.match(failure.hint, /correct the name in the client, which chose it/)
  })

  for (const [what, errno, rule] of [
    ['when a rule spells it out', 'ENOTFOUND', 'CONNECT no-such-host.example.org:443'],
    ['when a rule spells it out with another port', 'ENOTFOUND', 'CONNECT no-such-host.example.org:8443'],
    ['when a rule spells it out for others', 'ENOTFOUND', 'CONNECT no-such-host.example.org:443 for worker'],
    ['when the resolver does not respond', 'EAI_AGAIN', 'CONNECT www.example.org:443'],
    ['when the resolver fails', 'EAI_FAIL', 'CONNECT www.example.org:443'],
    ['when the look-up takes too long', undefined, 'CONNECT www.example.org:443'],
  ] as const)
    it(`stays an error of the upstream ${what}`, async () => {
      const rules = rulesWith(errno, 'CONNECT *.example.org:443', rule)
      const failure = await failureOf(rules, 'no-such-host.example.org:443')
      assert.deepEqual([failure.isRefusal, failure.level, failure.hint], [false, 'warn', 'join'])
    })

  it('is judged by the rules of each route, which share what is known about it', async () => {
    const resolver = resolverOf({})
    const [chosen, spelledOut] = ['*.example.org', 'a.example.org'].map((host) => {
      const allow = [parseConnectRule(`CONNECT ${host}:443`) ?? assert.fail()]
      return new EgressPolicy({ allow, allowAddresses: [], resolver })
    })
    assert.ok(chosen && spelledOut)
    assert.equal((await failureOf(chosen, 'a.example.org:443')).isRefusal, true)
    assert.equal((await failureOf(spelledOut, 'a.example.org:443')).isRefusal, false)
    assert.equal((await failureOf(chosen, 'a.example.org:443')).isRefusal, true)
  })

  it('is no refusal when it is not looked up, because too many look-ups wait', async () => {
    const resolver = {
      lookup: () => Promise.reject(new Failure('overloaded', { message: 'many', hint: 'wait' })),
    }
    const allow = [parseConnectRule('CONNECT *.example.org:443') ?? assert.fail()]
    const rules = new EgressPolicy({ allow, allowAddresses: [], resolver })
    assert.equal((await failureOf(rules, 'a.example.org:443')).code, 'overloaded')
  })
})

describe('the look-up for net.connect', () => {
  const lookup = lookupOf([{ address: '93.184.216.34', family: 4 }])
  it('has the addresses that were checked, whatever it is asked', () => {
    lookup('evil.example', { all: true }, (error, addresses) =>
      assert.deepEqual([error, addresses], [null, [{ address: '93.184.216.34', family: 4 }]]),
    )
    lookup('evil.example', {}, (error, address, family) =>
      assert.deepEqual([error, address, family], [null, '93.184.216.34', 4]),
    )
  })
})

it('the README has every reason', () => {
  assert.deepEqual(
    EGRESS_REASONS.filter((reason) => !README.includes(`\`${reason}\``)),
    [],
  )
})
