import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { EgressPolicy, sniMismatch } from '../egress/egress-policy.ts'
import { parseTarget } from '../egress/host-name.ts'
import { Identities } from '../identity/identities.ts'
import { AccessLog, RouteLog } from '../observe/access-log.ts'
import { RouteCounters } from '../observe/route-counters.ts'
import { configFrom } from '../testing/sidecar-with.ts'
import { ConnectRelay } from './connect-relay.ts'
import { Deadlines } from './deadlines.ts'

const ROUTE =
  'routes: [{name: out, kind: connect, listen: "unix:/out.sock", allow: ["CONNECT a.example:443"]}]'

function stack() {
  const [route] = configFrom(ROUTE).routes
  assert.ok(route?.kind === 'connect')
  const lines: Record<string, unknown>[] = []
  const write = (facts: object, message: string) => {
    lines.push({ ...facts, message })
  }
  let nowMs = 5_000
  const counters = new RouteCounters()
  const relay = new ConnectRelay({
    route,
    counters,
    policy: new EgressPolicy({ ...route, resolver: { lookup: async () => [] } }),
    deadlines: new Deadlines(() => nowMs),
    identities: new Identities(createLog('sidecar', 'silent')),
    log: { info: write, error: write },
    accessLog: new RouteLog(new AccessLog(createLog('sidecar', 'silent'), null), 'out'),
  })
  const target = parseTarget('a.example:443')
  assert.ok(target)
  return {
    lines,
    counters,
    pass: (ms: number) => {
      nowMs += ms
    },
    deny: () => relay.denied(sniMismatch(target, 'sni_other')),
  }
}

describe('the refusals of a route of kind connect', () => {
  it('are logged with code, reason, host and hint', () => {
    const { lines, deny } = stack()
    deny()
    const [{ hint, message, ...line } = {}] = lines
    assert.deepEqual(line, { code: 'sni_mismatch', reason: 'sni_other', host: 'a.example', port: 443 })
    assert.match(`${message}`, /the tunnel to a\.example:443 is cut: its ClientHello asks for another name/)
    assert.match(`${hint}`, /sni: any/)
  })

  it('are all counted, and at most 10 a second are logged; the next line says how many are left out', () => {
    const { lines, deny, counters, pass } = stack()
    for (let count = 0; count < 50; count++) deny()
    assert.equal(lines.length, 10)
    pass(1_000)
    deny()
    assert.equal(lines.length, 11)
    assert.equal(lines.at(-1)?.unlogged, 40)
    deny()
    assert.equal(lines.at(-1)?.unlogged, undefined)
    assert.equal(counters.egressDenied.get('sni_other'), 52)
  })
})
