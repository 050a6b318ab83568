import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseFile } from '../config/parse-file.ts'
import { parseRequestHead } from '../http1/parse-request-head.ts'
import { RequestHead } from '../http1/request-head.ts'
import { offeredProtocols } from '../http1/upgrade.ts'
import { AllowList, targetOf } from './allow-list.ts'

const EXAMPLES = join(import.meta.dirname, '../../../../examples/docker-socket')
const ID = '5197a640177247baf5f2d23626680c3748554b7689ea8551093c9696310142dd'

type Judge = (request: string) => 'refused' | 'allowed' | 'long' | 'upgrade'

/** Judges requests such as `POST /session upgrade h2c`. @param version in the place of `{version}` */
function judgeOf(recipe: string, version = '{version}'): Judge {
  const name = `${recipe}.yaml`
  const text = readFileSync(join(EXAMPLES, name), 'utf8').replaceAll('{version}', version)
  const [route] = parseFile(text, name).routes
  assert.ok(route?.kind === 'http')
  const list = new AllowList(route.allow, route.encodedSlash)
  return (request) => {
    const [method = '', target = '', , protocol] = request.split(' ')
    const fields = protocol === undefined ? '' : `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`
    const head = new RequestHead()
    const bytes = Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: docker\r\n${fields}\r\n`)
    assert.equal(
      parseRequestHead(head, bytes, 0, bytes.length),
      bytes.length,
      `${request}: ${head.refusal.reason}`,
    )
    const found = targetOf(head, bytes)
    const offered = offeredProtocols(head, bytes)
    if (offered.length > 0 && list.upgradeFor(method, found, offered) !== null) return 'upgrade'
    if (!list.allows(method, found)) return 'refused'
    return list.isLong(method, found, null) ? 'long' : 'allowed'
  }
}

/** What the CLI sends; recorded from Docker 26.1.5 and 28.2.2. */
const SENT = {
  'read-only': {
    'HEAD /_ping': 'allowed',
    'GET /_ping': 'allowed',
    'GET /v1.45/version': 'allowed',
    'GET /v1.45/info': 'allowed',
    'GET /v1.45/containers/json': 'allowed',
    'GET /v1.45/containers/json?all=1&filters=%7B%22id%22%3A%7B%22a%22%3Atrue%7D%7D&limit=5&size=1':
      'allowed',
    'GET /v1.45/containers/web/json': 'allowed',
    [`GET /v1.45/containers/${ID}/json?size=1`]: 'allowed',
    [`GET /v1.45/containers/${ID}/logs?follow=1&since=1&stderr=1&stdout=1&tail=all&timestamps=1`]: 'long',
    'GET /v1.45/events?filters=%7B%7D&since=1795852972&until=1795853032': 'long',
  },
  exec: {
    'HEAD /_ping': 'allowed',
    'GET /v1.45/containers/web/json': 'allowed',
    'POST /v1.45/containers/web/exec': 'allowed',
    [`POST /v1.45/exec/${ID}/start upgrade tcp`]: 'upgrade',
    [`POST /v1.45/exec/${ID}/start`]: 'allowed',
    [`POST /v1.45/exec/${ID}/resize?h=40&w=100`]: 'allowed',
    [`GET /v1.45/exec/${ID}/json`]: 'allowed',
    'POST /v1.45/containers/web/attach?detachKeys=ctrl-x&stderr=1&stdin=1&stdout=1&stream=1 upgrade tcp':
      'upgrade',
    'POST /v1.45/containers/web/resize?h=40&w=100': 'allowed',
    'POST /v1.45/containers/web/wait': 'long',
  },
  build: {
    'HEAD /_ping': 'allowed',
    'GET /v1.45/version': 'allowed',
    'POST /grpc upgrade h2c': 'upgrade',
    'POST /session upgrade h2c': 'upgrade',
    'POST /v1.45/build?dockerfile=Dockerfile&t=a%3Ab&version=1': 'long',
    'HEAD /v1.45/containers/web/archive?path=%2Ftmp%2Ff': 'long',
    'GET /v1.45/containers/web/archive?path=%2Ftmp%2Ff': 'long',
    'PUT /v1.45/containers/web/archive?copyUIDGID=true&noOverwriteDirNonDir=true&path=%2Ftmp': 'long',
  },
} as const

/** Requests of the engine's API that no recipe allows. */
const NEVER = [
  'POST /v1.45/containers/create',
  'POST /v1.45/containers/create?name=web',
  'POST /v1.45/containers/web/start',
  'POST /v1.45/containers/web/stop',
  'POST /v1.45/containers/web/restart',
  'POST /v1.45/containers/web/kill?signal=TERM',
  'POST /v1.45/containers/web/pause',
  'POST /v1.45/containers/web/rename?name=other',
  'POST /v1.45/containers/web/update',
  'POST /v1.45/containers/prune',
  'DELETE /v1.45/containers/web?force=1',
  'GET /v1.45/containers/web/export',
  'GET /v1.45/containers/web/attach/ws',
  'POST /v1.45/containers/web/attach?stream=1',
  'POST /v1.45/containers/web/attach?stream=1 upgrade h2c',
  'POST /v1.45/commit?container=web',
  'GET /v1.45/images/json',
  'POST /v1.45/images/create?fromImage=a',
  'POST /v1.45/images/load',
  'POST /v1.45/images/prune',
  'DELETE /v1.45/images/a',
  'GET /v1.45/networks',
  'POST /v1.45/networks/create',
  'GET /v1.45/volumes',
  'POST /v1.45/volumes/create',
  'DELETE /v1.45/volumes/a',
  'POST /v1.45/plugins/pull?remote=a',
  'POST /v1.45/swarm/init',
  'GET /v1.45/secrets',
  'POST /v1.45/services/create',
  'POST /v1.45/build/prune',
  'GET /v1.45/system/df',
  'POST /v1.45/auth',
  'POST /session',
  'POST /grpc',
  'POST /session upgrade tcp',
  'GET /containers/json',
  'GET /v1.45/containers/json?all=1&other=1',
  'POST /v1.45/containers/create/exec/start',
]

describe('a recipe of examples/docker-socket', () => {
  for (const [recipe, sent] of Object.entries(SENT)) {
    it(`${recipe}.yaml allows what the CLI sends`, () => {
      for (const version of [undefined, 'v1.45']) {
        const judge = judgeOf(recipe, version)
        for (const [request, verdict] of Object.entries(sent)) assert.equal(judge(request), verdict, request)
      }
    })

    it(`${recipe}.yaml refuses the rest`, () => {
      const judge = judgeOf(recipe)
      const others = Object.entries(SENT)
        .flatMap(([, requests]) => Object.keys(requests))
        .filter(
          (request) =>
            !(request in sent) && !/^(HEAD|GET) .*(ping|version|containers\/\w+\/json)/.test(request),
        )
      assert.ok(others.length > 10)
      for (const request of [...NEVER, ...others]) assert.equal(judge(request), 'refused', request)
    })
  }

  // The engine takes a path without a version for the newest one: then {version} stands for its first word.
  const UNVERSIONED = {
    'read-only': {
      'GET /networks/info': 'allowed',
      'GET /volumes/version': 'allowed',
      'GET /secrets/events': 'long',
      'GET /containers/containers/json': 'allowed',
      'GET /distribution/containers/a/json': 'allowed',
      'GET /images/containers/a/json': 'allowed',
      'GET /plugins/containers/a/json': 'allowed',
    },
    exec: {
      'GET /distribution/containers/a/json': 'allowed',
      'GET /images/exec/a/json': 'allowed',
      'GET /plugins/exec/a/json': 'allowed',
    },
    build: { 'GET /networks/version': 'allowed' },
  } as const

  for (const [recipe, requests] of Object.entries(UNVERSIONED))
    it(`${recipe}.yaml allows inspections of what is named like its paths, unless it names the version`, () => {
      const [judge, exact] = [judgeOf(recipe), judgeOf(recipe, 'v1.45')]
      for (const [request, verdict] of Object.entries(requests)) {
        assert.equal(judge(request), verdict, request)
        assert.equal(exact(request), 'refused', request)
      }
    })

  it('that names the version refuses another one', () => {
    assert.equal(judgeOf('read-only', 'v1.45')('GET /v1.44/info'), 'refused')
  })
})
