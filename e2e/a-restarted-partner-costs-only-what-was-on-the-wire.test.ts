// A partner on another network is killed and stopped under load, and starts again. Only requests that were on the wire or
// found nobody fail, each with a true code; no POST is executed twice, and requests pass once it is back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  assertExplained,
  clockMs,
  NOBODY_LISTENS,
  type Outage,
  type Outcome,
} from '@uds-sidecar/shared/testing/partner-load'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { certificatesFor } from './support/certificates.ts'
import { ownStack } from './support/stack.ts'

const SOCKET = '/run/out/partner.sock'
const JOURNAL = '/var/journal/lines'
const DONE = '/tmp/done'
const RESTARTS = 6
/** How long the sidecar keeps a failed look-up (`keepFailureMs` of its resolver). */
const KEPT_MS = 1_000

/** A container that is gone has no address and no name either. */
const NOBODY = [...NOBODY_LISTENS, '502 host_unreachable', '502 host_unknown', '504 upstream_timeout']

test('a restarted partner costs only what was on the wire', async (t) => {
  await using pki = await certificatesFor('partner')
  const stack = await ownStack(t, {
    file: 'e2e/compose/way-out.yaml',
    services: ['sidecar', 'app', 'partner'],
    env: { WAY_OUT_PKI: pki.path },
  })
  const app = stack.service('app')
  const partner = stack.service('partner')
  const lines = async () => (await app.read(JOURNAL)).split('\n')
  /** GETs and POSTs at the same time, by the app. */
  const askAll = (...paths: string[]) =>
    app.inside(
      async (path, paths) => {
        const { ask } = await import('@uds-sidecar/shared/testing/partner-load')
        const both = paths.flatMap((each) =>
          ['GET', 'POST'].map((method) => ask({ kind: 'unix', path }, method, each)),
        )
        return await Promise.all(both)
      },
      SOCKET,
      paths,
    )

  const load = app.inside(
    async (path, done) => {
      const { existsSync } = await import('node:fs')
      const { setTimeout: pause } = await import('node:timers/promises')
      const { PartnerLoad } = await import('@uds-sidecar/shared/testing/partner-load')
      const load = new PartnerLoad({ kind: 'unix', path }, 4)
      while (!existsSync(done)) await pause(20)
      return await load.end()
    },
    SOCKET,
    DONE,
  )
  const outages: Outage[] = []
  const others: Outcome[] = []
  for (let start = 1; start <= RESTARTS; start++) {
    const isKill = start % 2 === 1
    await t.test(`${isKill ? 'killed' : 'stopped'}: start ${start}`, async () => {
      const paths = [`/hold/${start}/a`, `/half/${start}/b`]
      const met = askAll(...paths)
      await eventuallyPasses(async () => {
        const seen = (await lines()).slice((await lines()).lastIndexOf('up'))
        for (const path of paths) assert.ok(seen.includes(`GET ${path}`) && seen.includes(`POST ${path}`))
        assert.ok(seen.filter((line) => line.includes(' /quote/')).length > 20)
      })

      const fromMs = clockMs()
      await (isKill ? partner.kill() : partner.stop())
      const goneMs = clockMs()
      const alone = await askAll(`/quote/alone-${start}`)
      for (const { result } of alone) assert.ok(NOBODY.includes(result), result)
      const [held, heldPost, ...halves] = (await met).map(({ result }) => result)
      assert.equal(heldPost, isKill ? '502 upstream_reset' : '200')
      assert.ok(isKill ? held !== '200' : held === '200')
      assert.deepEqual(halves, isKill ? ['upstream_truncated', 'upstream_truncated'] : ['200', '200'])
      others.push(...(await met), ...alone)

      await partner.start()
      await eventuallyPasses(async () => {
        assert.equal((await lines()).filter((line) => line === 'up').length, start + 1)
      })
      outages.push({ fromMs, goneMs, upMs: clockMs() })
      await eventuallyPasses(async () => {
        for (const { result } of await askAll(`/quote/again-${start}`)) assert.equal(result, '200')
      })
    })
  }
  await app.touch(DONE)
  const outcomes = await load
  assert.ok(outcomes.filter(({ result }) => result === '200').length > RESTARTS * 20)
  assertExplained([...outcomes, ...others].map(whenLookedUp), outages, await lines(), NOBODY)
})

/** A failed look-up is also the result of who asks while it is kept. */
function whenLookedUp(outcome: Outcome): Outcome {
  if (outcome.result !== '502 host_unknown') return outcome
  return { ...outcome, startMs: outcome.startMs - KEPT_MS }
}
