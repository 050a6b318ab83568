import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { Authority } from '@uds-sidecar/shared/testing/authority'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { GET } from '../testing/http-stack.ts'
import { partner } from '../testing/partner.ts'
import { runSidecar, sidecarProcess } from '../testing/sidecar-process.ts'

const SECRET = 'Bearer q7Zc9wLx2VtR'
const NEXT = 'Bearer m4Pk8sNd6YuJ'
const BAD = 'Bearer h3Gf5aBe1KiO\nsecond line'
const ANY = /q7Zc9wLx2VtR|m4Pk8sNd6YuJ|h3Gf5aBe1KiO/

describe('a credential', () => {
  it('reaches the partner, and no log, metric, page, error or response to the app', async () => {
    await using ca = await Authority.create()
    await using directory = await tempDirectory()
    const got: string[] = []
    // Responses of every kind, and none at all.
    const replies = [
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      'nonsense\r\n\r\n',
      'HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n',
      '',
    ]
    await using server = await partner(
      (dialogue) => {
        if (!dialogue.received.includes('\r\n\r\n')) return
        got.push(/^authorization: (.*)$/im.exec(dialogue.received)?.[1]?.trim() ?? '')
        dialogue.received = ''
        const reply = replies[(got.length - 1) % replies.length]
        if (reply === '') dialogue.socket.destroy()
        else dialogue.socket.write(reply ?? '')
      },
      await ca.issue(),
    )
    const token = directory.at('token')
    await writeFile(token, SECRET)
    const file = directory.at('sidecar.yaml')
    const route = (name: string, port: number) =>
      `- {name: ${name}, kind: http, listen: "unix:${directory.at(name)}", upstream: "tcp://localhost:${port}", allow: [POST|GET /a],
      upstreamTls: {ca: ${ca.certFile}}, credentials: {authorization: ${token}}}`
    await writeFile(
      file,
      `ops: "tcp://127.0.0.1:0"\nroutes:\n  ${route('good', server.port)}\n  ${route('bad', 1)}\n`,
    )
    await using sidecar = sidecarProcess({ SIDECAR_CONFIG: file, LOG_LEVEL: 'info' })
    await sidecar.started()
    let seen = ''
    const send = async (name: string, text = GET) => {
      using app = new Conversation(directory.at(name))
      seen += (await app.send(text).hears('\r\n\r\n')).received
    }
    for (let i = 0; i < 2 * replies.length; i++) await send('good', GET.replace('GET', 'POST'))
    await send('bad')
    await send('good', GET.replace('/a', '/b'))
    await send('good', GET.replace('GET', 'TRACE'))
    await writeFile(token, NEXT)
    await sidecar.logs('the new credentials are in use')
    await send('good')
    await writeFile(token, BAD)
    await sidecar.logs('the new credentials are refused')
    sidecar.child.kill('SIGHUP')
    await sidecar.logs('is active')
    const port = await sidecar.port('ops')
    for (const path of ['/', '/metrics', '/routes', '/-/ready', '/-/healthy', '/x'])
      seen += (await request({ kind: 'tcp', host: '127.0.0.1', port }, { path })).body
    const check = await runSidecar({ SIDECAR_CONFIG: file }, '--check')
    seen += check.out + check.error + sidecar.log() + sidecar.errors()
    assert.ok(got.includes(SECRET))
    await eventually('the new one', () => got.includes(NEXT))
    assert.equal(await readFile(token, 'utf8'), BAD)
    assert.match(seen, /q7Zc9wLx2VtR|"authorization"/) // the field's name is shown
    assert.doesNotMatch(seen, ANY)
    assert.match(seen, /has a character that may not stand in a field: number 20/)
    assert.match(seen, /upstream_malformed.*upstream_reset/s)
  })
})
