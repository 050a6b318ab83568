// The images of app, sidecar and client have nothing to run but Node and the loader that the kernel starts it with: no
// shell, no package manager. They have certificates and user names, take at most 165 MB, and name their version.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { engine, image } from './support/engine.ts'
import { filesOf, type ImageFile } from './support/image-files.ts'
import { runToEnd, startProbe } from './support/own-container.ts'
import { sharedStack } from './support/stack.ts'

const MAX_BYTES = 165_000_000
const NODE = '/usr/local/bin/node'
/** As glibc and musl name it, for any processor. */
const LOADER = /^(\/usr)?\/lib(64)?\/(.+\/)?ld-(linux|musl)[^/]*\.so\.\d$/
/** The program of the client, which `client` in PATH is a link to: a script that Node runs. */
const CLIENT = '/srv/bundle/main.mjs'
const SHELL_OR_PACKAGES =
  /\/(sh|bash|dash|ash|busybox|env|npm|npx|dpkg|apk)$|^\/(etc\/apt|(usr\/)?lib\/apk|var\/lib)\//

for (const name of ['app', 'sidecar', 'client'] as const) {
  test(`the image of ${name}`, async (t) => {
    const files = await filesOf(image(name))
    const byPath = new Map(files.map((file) => [file.path, file]))

    await t.test('nothing is executable but Node, its loader and, in the client, its command', () => {
      const programs = files.filter(isExecutable).map(({ path }) => path)
      const others = programs.filter((path) => !LOADER.test(path)).sort()
      assert.deepEqual(others, name === 'client' ? [CLIENT, NODE] : [NODE])
      assert.equal(programs.length - others.length, 1, `one loader: ${programs}`)
    })

    await t.test('no shell, no package manager, and no program with the rights of its owner', () => {
      assert.deepEqual(
        pathsOf(files, ({ path }) => SHELL_OR_PACKAGES.test(path)),
        [],
      )
      assert.deepEqual(
        pathsOf(files, ({ kind, mode }) => kind === 'file' && (mode & 0o6000) !== 0),
        [],
      )
    })

    await t.test('its commands are Node, and links to its program', () => {
      const commands = files.filter(
        ({ path, kind }) => path.startsWith('/usr/local/bin/') && kind !== 'directory',
      )
      assert.deepEqual(
        commands.map(({ path, target }) => [path, target]).sort(),
        name === 'client'
          ? [
              ['/usr/local/bin/client', CLIENT],
              [NODE, ''],
            ]
          : [[NODE, '']],
      )
    })

    await t.test('it has certificates and user names', () => {
      assert.ok((byPath.get('/etc/ssl/certs/ca-certificates.crt')?.size ?? 0) > 100_000)
      assert.ok(byPath.has('/etc/passwd'))
    })

    await t.test('it takes at most 165 MB', async (t) => {
      const { Size } = await engine.getImage(image(name)).inspect()
      t.diagnostic(`${name}: ${Math.round(Size / 1e6)} MB`)
      assert.ok(Size <= MAX_BYTES, `${Size} bytes`)
    })

    await t.test('it names its version, in its labels and by --version', async () => {
      const { Config } = await engine.getImage(image(name)).inspect()
      const version = Config.Labels?.['org.opencontainers.image.version']
      assert.ok(version)
      const { exitCode, stdout } = await runToEnd({ image: image(name), command: ['--version'] })
      assert.equal(exitCode, 0)
      assert.deepEqual(stdout.trim().split(' ').slice(0, 2), [name, version])
    })
  })
}

test('Node finds certificates, users and names of hosts in such an image', async (t) => {
  await using probe = await startProbe(t, {})
  const found = await probe.inside(async () => {
    const { lookup } = await import('node:dns/promises')
    const { userInfo } = await import('node:os')
    const { getCACertificates } = await import('node:tls')
    const { address } = await lookup('localhost', 4)
    const { username } = userInfo()
    return { address, username, certificates: getCACertificates('system').length }
  })
  assert.deepEqual(
    { ...found, certificates: found.certificates > 100 },
    {
      address: '127.0.0.1',
      username: 'client',
      certificates: true,
    },
  )
})

test('a name of another container is resolved', async (t) => {
  const stack = await sharedStack(t)
  const { exitCode, stderr } = await stack.service('client').exec('client', 'metrics', 'tcp://sidecar:9464')
  assert.equal(exitCode, 0, stderr)
})

/** By anybody. The engine makes empty files where it mounts its own; the kernel runs no empty file. */
function isExecutable({ kind, mode, size }: ImageFile): boolean {
  return kind === 'file' && size > 0 && (mode & 0o111) !== 0
}

function pathsOf(files: readonly ImageFile[], matches: (file: ImageFile) => boolean): string[] {
  return files.filter(matches).map(({ path }) => path)
}
