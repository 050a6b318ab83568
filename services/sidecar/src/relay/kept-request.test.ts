import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { Credentials } from '../identity/credentials.ts'
import { Identities } from '../identity/identities.ts'
import { RouteCounters } from '../observe/route-counters.ts'
import { configFrom } from '../testing/sidecar-with.ts'
import { KeptRequest } from './kept-request.ts'
import { RequestJudge } from './request-judge.ts'

const TOKEN = 'a-token-of-prometheus'

describe('a request that is kept to be judged again', () => {
  it('holds no credential, and is still known by what it was', async () => {
    await using directory = await tempDirectory()
    const file = directory.at('token')
    await writeFile(file, `${TOKEN}\n`)
    const { clients, routes } = configFrom(
      `{clients: {prometheus: {token: ${file}}}, routes: [{name: web, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:/u", allow: [GET /a for prometheus]}]}`,
    )
    const [route] = routes
    assert.ok(route?.kind === 'http')
    const log = createLog('test', 'silent')
    const identities = new Identities(log)
    using credentials = await Credentials.load([{ name: 'prometheus', kind: 'token', file }], log)
    identities.use(credentials)
    assert.equal(clients.length, 1)
    const judge = new RequestJudge(route, identities, new RouteCounters())
    const headRules = { maxFields: 10, passFields: new Set<string>() }
    const bytes = Buffer.from(`GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nA: b\r\n\r\n`)
    const caller = { key: '192.0.2.1', uid: undefined, groups: [], certificate: null }
    const kept = new KeptRequest({ judge, headRules, identities }, bytes, caller)
    assert.doesNotMatch(bytes.toString('latin1'), /Bearer|a-token/)
    assert.doesNotMatch(inspect(kept, { depth: 9, showHidden: true }), /a-token/)
    assert.deepEqual(kept.judgeAgain(), { user: 'prometheus', withholds: true })
  })
})
