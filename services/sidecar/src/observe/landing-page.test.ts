import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { respondingServer } from '../testing/raw-server.ts'
import { configFrom, httpRouteText, opsPortOf, portOf, sidecarWith } from '../testing/sidecar-with.ts'

/** A sidecar with the route `web`, and what its page shows. */
async function pageOf(more = '', ops = '"tcp://127.0.0.1:0"') {
  const run = await tempDirectory()
  const server = await respondingServer(`${run.path}/web`, 'ok')
  const text = `{ops: ${ops}, ${more}routes: [${httpRouteText('web', 0, `${run.path}/web`)}]}`
  const sidecar = await sidecarWith(text)
  const at = (port: number) => ({ kind: 'tcp', host: '127.0.0.1', port }) as const
  return {
    sidecar,
    server,
    run,
    get: async (path: string) => await request(at(portOf(sidecar)), { path }),
    async page() {
      const { body, headers } = await request(at(opsPortOf(sidecar)), { path: '/' })
      return { html: `${body}`, headers }
    },
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await run[Symbol.asyncDispose]()
    },
  }
}

describe('the page of the operations port', () => {
  it('lets a browser load its own style and nothing else', async () => {
    await using web = await pageOf()
    const { html, headers } = await web.page()
    const style = /<style>([^<]*)<\/style>/.exec(html)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    assert.equal(
      headers['content-security-policy'],
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.doesNotMatch(html, /<script|\son\w+=|\sstyle=|javascript:/i)
  })

  it('shows requests, times and connections as charts with their values as text', async () => {
    await using web = await pageOf()
    await web.get('/a')
    const { html } = await web.page()
    for (const title of ['requests/s', 'failures', 'time', 'open connections'])
      assert.match(
        html,
        new RegExp(`<svg [^>]*aria-label="${title}, last 15 minutes: [^"]+ now, highest [^"]+"`),
      )
    assert.match(html, /aria-label="time, last 15 minutes: p99 [\d.]+ m?s now/)
  })

  it('has time, code and advice of what was refused, and counts it by code', async () => {
    await using web = await pageOf()
    await web.get('/secret')
    const { html } = await web.page()
    assert.match(html, /Last refused \(1\)/)
    assert.match(
      html,
      /<time datetime="[^"]+" title="[^"]+">[\d:]{8}<\/time><\/td><td><code>path_not_allowed<\/code><\/td><td>\/secret is not on the allow list<\/td><td>[^<]+allow[^<]+<\/td>/,
    )
    assert.match(html, /by code: path_not_allowed 1 <small>refused/)
    assert.doesNotMatch(html, /Last failures of the upstream/)
  })

  it('has what the upstream failed with, apart from what was refused', async () => {
    await using web = await pageOf()
    await web.server[Symbol.asyncDispose]()
    assert.equal((await web.get('/a')).status, 503)
    const { html } = await web.page()
    assert.match(html, /Last failures of the upstream \(1\)/)
    assert.match(html, /<code>socket_missing<\/code>/)
    assert.match(html, /<title>▼ 1 down: uds-sidecar<\/title>/)
    assert.match(html, /▼ Down: web/)
  })

  it('marks sockets and states on the time line', async () => {
    await using web = await pageOf()
    await web.page()
    await web.server[Symbol.asyncDispose]()
    await web.page()
    await using _next = await respondingServer(`${web.run.path}/web`, 'ok')
    const { html } = await web.page()
    const marks = [...html.matchAll(/<g class="mark ([\w-]+)"><title>[\d:]{8} ([^<]*)<\/title>/g)]
    const firstChart = marks.slice(0, marks.length / 4).map(([, name]) => name)
    assert.deepEqual(firstChart, ['up', 'new-socket', 'down', 'up', 'new-socket'])
    assert.ok(marks.some(([, , text]) => text === 'new socket: generation 2'))
    assert.ok(marks.some(([, , text]) => text?.startsWith('down: socket_missing: ')))
  })

  it('does not become longer than its bounds', async () => {
    await using web = await pageOf()
    for (let count = 0; count < 60; count++) await web.get(`/${'x'.repeat(4_000)}${count}`)
    const { recent } = web.sidecar.routes[0]?.counters ?? {}
    for (let count = 0; count < 60; count++) {
      recent?.changed('down', 'y'.repeat(4_000))
      recent?.add(new Failure('io_error', { message: 'z'.repeat(4_000), hint: 'none' }), true)
    }
    const { html } = await web.page()
    assert.match(html, /Last refused \(20\)/)
    assert.ok(html.length < 120_000, `${html.length} characters`)
  })

  it('shows what clients send as text', async () => {
    await using web = await pageOf()
    const counters = web.sidecar.routes[0]?.counters
    counters?.recent.changed('down', '</title><script>alert(1)</script>')
    counters?.recent.add(
      new Failure('upstream_malformed', { message: `'"<img src=x>&`, hint: '<img src=y>' }),
      true,
    )
    const { html } = await web.page()
    assert.doesNotMatch(html, /<img|<script/)
  })

  it('lists clients and how they are known, never their secrets', async () => {
    await using run = await tempDirectory()
    const file = run.at('tokens')
    await writeFile(file, 'a-secret-of-many-characters\n')
    await using web = await pageOf(`clients: {prometheus: {token: "${file}"}, operator: {uid: 7}}, `)
    const { html } = await web.page()
    assert.match(html, /<td>prometheus<\/td><td>token<\/td><td>[^<]*tokens<\/td>/)
    assert.match(html, /<td>operator<\/td><td>uid<\/td><td>7<\/td>/)
    assert.doesNotMatch(html, /a-secret/)
  })

  it('says what the last reload changed, and why it was refused', async () => {
    await using web = await pageOf()
    assert.doesNotMatch((await web.page()).html, /Last reload/)
    const port = opsPortOf(web.sidecar)
    const route = httpRouteText('web', 0, `${web.run.path}/web`).replace('GET /a', 'GET /b')
    await web.sidecar.apply(configFrom(`{ops: "tcp://127.0.0.1:0", routes: [${route}]}`))
    const { html } = await web.page()
    assert.equal(opsPortOf(web.sidecar), port)
    assert.match(html, /Last reload.*<li>route web: allow changed<\/li>/s)
    assert.match(html, /<title>[\d:]{8} reload<\/title>/)
    web.sidecar.reloads.refused('the new configuration is refused: line 3 <b>')
    assert.match(
      (await web.page()).html,
      /▼ refused, the old configuration stays active<\/strong>: .* line 3 &lt;b&gt;/,
    )
  })
})
