import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import express from 'express'
import { Conversation } from '../testing/conversation.ts'
import { portOf, sidecarWith } from '../testing/sidecar-with.ts'

/** An app of Express with a public and a secret part, behind a rule for the public one. */
async function expressStack(settings: string) {
  const directory = await tempDirectory()
  const seen: string[] = []
  const app = express()
  app.use('/secret', (request, response) => {
    seen.push(request.originalUrl)
    response.send('secret')
  })
  app.use((request, response) => response.send(`public ${request.path}`))
  const server = createServer(app)
  server.listen(directory.at('u'))
  await once(server, 'listening')
  const sidecar = await sidecarWith(
    `{drain: 500ms, routes: [{name: web, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('u')}", ${settings}}]}`,
  )
  return {
    seen,
    port: portOf(sidecar),
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]()
      server.close()
      server.closeAllConnections()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Sends all paths on one connection. @returns the statuses */
async function statuses(port: number, paths: readonly string[]): Promise<number[]> {
  const found: number[] = []
  for (let at = 0; at < paths.length; at += 100) {
    const some = paths.slice(at, at + 100)
    using client = new Conversation(port)
    for (const path of some) client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    const heads = () =>
      [...client.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
    await eventually('all responses', () => heads().length >= some.length || client.ending !== null)
    if (client.ending === null) found.push(...heads())
    else for (const path of some) found.push(await statusOf(port, path)) // a 400 that closes the connection
  }
  return found
}

async function statusOf(port: number, path: string): Promise<number> {
  using client = new Conversation(port)
  await client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`).toItsEnd()
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(client.received)?.[1])
}

const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const SEPARATORS = [
  ...BYTES.map((digits) => `%${digits}`),
  '/',
  '//',
  '/./',
  '/%2e/',
  '%5C',
  '%2F%2f',
  '%252f',
  '%c0%af',
  '%e0%80%af',
  ';/',
  ';x=/',
]
const UPS = [
  '..',
  '%2e%2e',
  '.%2E',
  '..;',
  '..%3b',
  '%252e%252e',
  '%c0%ae%c0%ae',
  '..%00',
  '..%20',
  '..%23',
  '..%3f',
]

describe('an app of Express behind a rule for a part of it', () => {
  for (const encodedSlash of ['refuse', 'allow'])
    it(`never gets a request for another part, with encodedSlash: ${encodedSlash}`, async () => {
      await using stack = await expressStack(`encodedSlash: ${encodedSlash}, allow: [GET /public/*]`)
      const paths = UPS.flatMap((up) =>
        SEPARATORS.flatMap((separator) => [
          `/public${separator}${up}${separator}secret`,
          `/public/a/${up}${separator}${up}/secret`,
        ]),
      )
      const found = await statuses(stack.port, paths)
      assert.equal(found.length, paths.length)
      assert.deepEqual(stack.seen, [])
      const unexpected = paths.filter((_, index) => ![200, 400, 403].includes(found[index] ?? 0))
      assert.deepEqual(unexpected, [])
    })

  it('never gets a request for it by another spelling of its name', async () => {
    await using stack = await expressStack('allow: [GET /*, POST /secret]')
    await statusOf(stack.port, '/secret')
    assert.equal(stack.seen.length, 1, 'the rule for everything allows it')
    await using other = await expressStack('allow: [GET /public/*, "GET /{name}/x"]')
    const paths = [
      '/secret',
      '/%73ecret',
      '/SECRET',
      '//secret',
      '/secret/',
      '/secre%74?public',
      '/public/../secret',
    ]
    const found = await statuses(other.port, paths)
    assert.deepEqual(
      found.map((status) => status === 403 || status === 400),
      paths.map(() => true),
    )
    assert.deepEqual(other.seen, [])
  })

  it('sees the path that the rule saw: each escape inside of a segment', async () => {
    await using stack = await expressStack('allow: ["GET /public/{name}"]')
    const paths = BYTES.map((digits) => `/public/a%${digits}b`)
    const found = await statuses(stack.port, paths)
    const refused = paths.filter((_, index) => found[index] === 400)
    const expected = [...Array.from({ length: 0x20 }, (_, byte) => byte), 0x2f, 0x5c, 0x7f]
    assert.deepEqual(
      refused,
      expected.map((byte) => `/public/a%${byte.toString(16).padStart(2, '0')}b`),
    )
    assert.ok(found.every((status) => status === 200 || status === 400))
  })
})
