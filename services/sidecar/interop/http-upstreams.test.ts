/**
 * The relay between well-known servers and well-known clients: gunicorn, uvicorn, uWSGI and nginx; curl, wrk, ab and
 * h2load. `make interop` installs them on Debian.
 * `node --test services/sidecar/interop/*.test.ts`
 */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'
import type { Sidecar } from '../src/sidecar/sidecar.ts'
import { portOf, sidecarWith } from '../src/testing/sidecar-with.ts'
import { run, type StartedProcess, startProcess } from './started-process.ts'

const BIG_BYTES = 1_048_576

const SERVERS: Record<string, (directory: string, path: string) => Promise<StartedProcess>> = {
  'gunicorn, one process per connection': (_directory, path) =>
    startProcess(
      'gunicorn',
      ['--log-level', 'error', '--workers', '2', '--bind', `unix:${path}`, 'echo_app:wsgi'],
      path,
    ),
  'gunicorn with threads and keep-alive': (_directory, path) =>
    startProcess(
      'gunicorn',
      [
        '--log-level',
        'error',
        '--worker-class',
        'gthread',
        '--threads',
        '8',
        '--keep-alive',
        '2',
        '--bind',
        `unix:${path}`,
        'echo_app:wsgi',
      ],
      path,
    ),
  uvicorn: (_directory, path) =>
    startProcess('uvicorn', ['--log-level', 'error', '--uds', path, 'echo_app:asgi'], path),
  nginx: startNginx,
}

/** uWSGI closes each connection after its response, without sending Connection: close. */
const startUwsgi: (typeof SERVERS)[string] = (_directory, path) =>
  startProcess(
    'uwsgi',
    [
      '--disable-logging',
      '--plugin',
      'python3',
      '--http-socket',
      path,
      '--wsgi-file',
      'echo_app.py',
      '--callable',
      'wsgi',
    ],
    path,
  )

async function startNginx(directory: string, path: string): Promise<StartedProcess> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/${name};`,
  )
  await mkdir(`${directory}/www`)
  await writeFile(`${directory}/www/big`, Buffer.alloc(BIG_BYTES, '0123456789abcdef'))
  await writeFile(
    `${directory}/nginx.conf`,
    `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${directory}/pid; error_log stderr crit; events {}
     http { access_log off; ${temporary.join(' ')} server { listen unix:${path}; root ${directory}/www; location = /none { return 204; } } }`,
  )
  return startProcess('nginx', ['-e', 'stderr', '-c', `${directory}/nginx.conf`], path)
}

/** A sidecar with one HTTP route in front of a started server. */
interface Stack extends AsyncDisposable {
  readonly url: string
  readonly sidecar: Sidecar
}

async function stackWith(start: (typeof SERVERS)[string], allow = 'GET|POST /*'): Promise<Stack> {
  const directory: TempDirectory = await tempDirectory()
  const path = `${directory.path}/s`
  const server = await start(directory.path, path)
  const sidecar = await sidecarWith(
    `routes: [{name: a, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${path}", allow: [${allow}]}]`,
  )
  return {
    url: `http://127.0.0.1:${portOf(sidecar)}`,
    sidecar,
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

const status = (...args: string[]) =>
  run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code} %{size_download}', ...args)

for (const [name, start] of Object.entries(SERVERS)) {
  describe(`against ${name}`, () => {
    it('responses arrive: bodies, HEAD, 204, 404, HTTP/1.0, keep-alive', async () => {
      await using stack = await stackWith(start)
      assert.equal(await status(`${stack.url}/big`), `200 ${BIG_BYTES}`)
      assert.equal(await status('--http1.0', `${stack.url}/big`), `200 ${BIG_BYTES}`)
      assert.equal(await status('-I', `${stack.url}/big`), '200 0')
      assert.equal(await status(`${stack.url}/none`), '204 0')
      assert.match(await status(`${stack.url}/nothing`), /^404 /)
      const urls = Array.from({ length: 20 }, () => `${stack.url}/none`)
      assert.match(await run('curl', '-sv', ...urls), /Re-?using existing connection/i)
    })

    it('hundreds of concurrent connections get only good responses', async () => {
      await using stack = await stackWith(start)
      const load = await run('wrk', '-t1', '-c100', '-d2s', `${stack.url}/none`)
      assert.doesNotMatch(load, /Non-2xx|Socket errors/)
      const h2load = await run('h2load', '--h1', '-n2000', '-c50', `${stack.url}/none`)
      assert.match(h2load, /2000 succeeded, 0 failed, 0 errored/)
      const failures = [...(stack.sidecar.routes[0]?.counters.failures ?? [])].filter(
        ([, count]) => count > 0,
      )
      assert.deepEqual(failures, [])
    })
  })
}

for (const name of [
  'gunicorn, one process per connection',
  'gunicorn with threads and keep-alive',
  'uvicorn',
]) {
  it(`against ${name}, request bodies arrive with a length, in chunks, and after 100 Continue`, async () => {
    await using stack = await stackWith(SERVERS[name] as (typeof SERVERS)[string])
    const size = (...args: string[]) =>
      status('--data-binary', `@${import.meta.filename}`, ...args, `${stack.url}/echo`)
    const expected = await size()
    assert.match(expected, /^200 \d{4,}$/)
    assert.equal(await size('-H', 'Transfer-Encoding: chunked'), expected)
    assert.equal(await size('-H', 'Expect: 100-continue'), expected)
  })
}

it('against gunicorn, no field changes the path that the allow list has checked', async () => {
  const start = SERVERS['gunicorn with threads and keep-alive'] as (typeof SERVERS)[string]
  await using stack = await stackWith(start, 'GET /public/*')
  for (const name of [
    'SCRIPT_NAME',
    'Script-Name',
    'script.name',
    'X-Forwarded-Prefix',
    'X-Original-URL',
    'PATH_INFO',
  ])
    assert.equal(
      await run('curl', '-s', '-H', `${name}: /public`, `${stack.url}/public/admin/users`),
      '/public/admin/users',
      name,
    )
  assert.match(await status(`${stack.url}/admin/users`), /^403 /)
})

it('against uWSGI, which closes after each response, no POST fails', async () => {
  await using stack = await stackWith(startUwsgi)
  const urls = Array.from({ length: 400 }, () => `${stack.url}/echo`)
  assert.equal(await run('curl', '-s', '--data', 'abc', ...urls), 'abc'.repeat(400))
  assert.deepEqual(
    [...(stack.sidecar.routes[0]?.counters.failures ?? [])].filter(([, count]) => count > 0),
    [],
  )
})

it('clients that offer an upgrade to HTTP/2, or keep HTTP/1.0 connections alive, get responses', async () => {
  const start = SERVERS.nginx as (typeof SERVERS)[string]
  await using stack = await stackWith(start, 'GET /none')
  assert.equal(await status('--http2', `${stack.url}/none`), '204 0')
  const refused = await run('ab', '-q', '-k', '-n', '200', '-c', '4', `${stack.url}/no-such-path`)
  assert.match(refused, /Non-2xx responses: +200/)
  assert.match(refused, /Keep-Alive requests: +200/)
})
