import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configFrom } from '../testing/sidecar-with.ts'
import { changesBetween } from './reloads.ts'

const WEB = '{name: web, kind: http, listen: "tcp://127.0.0.1:1", upstream: "unix:/a", allow: [GET /]}'
const ECHO = '{name: echo, kind: stream, listen: "tcp://127.0.0.1:2", upstream: "unix:/b"}'
const config = (routes: string, rest = '') => configFrom(`{${rest}routes: [${routes}]}`)
const CLIENTS = 'clients: {operator: {uid: 4}}, '

describe('what a reload changed', () => {
  for (const [what, before, after, expected] of [
    ['nothing', config(WEB), config(WEB), []],
    ['another order', config(`${WEB}, ${ECHO}`), config(`${ECHO}, ${WEB}`), []],
    ['a new route', config(WEB), config(`${WEB}, ${ECHO}`), ['route echo: new']],
    ['a route that is gone', config(`${WEB}, ${ECHO}`), config(WEB), ['route echo: removed']],
    [
      'rules and bounds of a route',
      config(WEB),
      config(WEB.replace('[GET /]}', '["GET /{a}"], timeouts: {head: 3s}}')),
      ['route web: allow, timeouts changed'],
    ],
    ['the time to drain', config(WEB), config(WEB, 'drain: 3s, '), ['drain changed']],
    ['a client', config(WEB), config(WEB, CLIENTS), ['client operator: new']],
    [
      'how a client is known',
      config(WEB, CLIENTS),
      config(WEB, CLIENTS.replace('4', '5')),
      ['client operator: uid changed'],
    ],
    [
      'the operations port',
      config(WEB),
      config(WEB, 'ops: "tcp://127.0.0.1:9", '),
      ['operations port: listen, hosts changed'],
    ],
  ] as const)
    it(`names ${what}`, () => assert.deepEqual(changesBetween(before, after), expected))
})
