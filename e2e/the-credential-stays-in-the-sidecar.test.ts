// The token of the partner is in the memory of the sidecar, which sends it with each request of the app. It is in no log,
// page, metric or error, not in the environment of the app, and not in its memory: a core of the app does not have it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { getFrom } from './support/connections.ts'
import { formsOf, foundInMemory } from './support/memory.ts'
import { ownStack } from './support/stack.ts'

const SOCKET = 'unix:/run/app/out/partner.sock'
const PAGES = ['/', '/metrics', '/routes', '/-/ready', '/-/healthy', '/nowhere']

test('the credential stays in the sidecar', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar', 'partner'] })
  const app = stack.service('app')
  const sidecar = stack.service('sidecar')
  const partner = stack.service('partner')
  const token = (await stack.service('certificates').read('/certificates/partner/token')).trim()
  const forms = formsOf(token)
  const seen: string[] = []
  const keep = async (path: string) => {
    const { status, headers, body } = await stack.request('api', path)
    seen.push(`${JSON.stringify(headers)}\n${body}`)
    return status
  }

  await t.test('the app gets quotes and errors', async () => {
    await eventuallyPasses(async () => assert.equal(await keep('/quote'), 200))
    for (const path of ['/v1/secrets', '/v1/quote/../secrets', '//v1/quote'])
      seen.push(await getFrom(app, SOCKET, path))
    await partner.kill()
    seen.push(await getFrom(app, SOCKET, '/v1/quote'))
    assert.match(seen.at(-1) ?? '', /^50[234] /)
    assert.equal(await keep('/quote'), 503)
    await partner.start()
    await eventuallyPasses(async () => assert.equal(await keep('/quote'), 200))
  })

  await t.test(
    'the memory of the sidecar has it, and that of the app has the quote and not the token',
    async () => {
      assert.ok((await foundInMemory(t, sidecar.name, forms)).includes('plain'))
      const known = { quote: Buffer.from('partner.sock').toString('hex') }
      assert.deepEqual(await foundInMemory(t, app.name, { ...forms, ...known }), ['quote'])
    },
  )

  await t.test('no log, page, metric or environment has it', async () => {
    for (const path of PAGES) seen.push(String((await stack.request('ops', path)).body))
    seen.push(String((await stack.request('metrics', '/metrics')).body))
    seen.push(await app.read('/proc/1/environ'), await sidecar.read('/proc/1/environ'))
    for (const service of ['app', 'sidecar', 'partner', 'redis', 'certificates'])
      seen.push(await stack.service(service).log())
    for (const [form, hex] of Object.entries(forms)) {
      const bytes = Buffer.from(hex, 'hex')
      for (const text of seen)
        assert.ok(!Buffer.from(text).includes(bytes), `${form} in ${text.slice(0, 200)}`)
    }
  })
})
