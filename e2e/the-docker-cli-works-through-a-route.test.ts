// The docker CLI works through the routes of examples/docker-socket as with the engine itself: version, info, ps, inspect,
// logs -f and events with read-only.yaml; exec -i, -it and -d, and attach with exec.yaml; build with BuildKit and with the
// classic builder, and cp of a large file both ways with build.yaml.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { describe, type TestContext, test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import Docker from 'dockerode'
import type { Box } from './support/container.ts'
import { docker, dockerInTerminal, type FilteredEngine, filteredEngine } from './support/docker-socket.ts'
import { type Ended, engine, image } from './support/engine.ts'
import { OwnContainer } from './support/own-container.ts'
import { RUN_LABEL, runDirectory, runId } from './support/run.ts'

/** What does not depend on the moment. */
const PS_FORMAT = '{{.ID}} {{.Image}} {{.State}} {{.Size}}'

const SLEEP = 'echo started; exec sleep 1000'

describe('the docker CLI', { concurrency: true }, () => {
  test('reads through read-only.yaml', reads)
  test('works in containers through exec.yaml', worksInContainers)
  test('builds and copies through build.yaml', buildsAndCopies)
})

async function reads(t: TestContext): Promise<void> {
  const route = await filteredEngine(t, 'read-only')
  await using container = await shell(t, `echo out; echo err >&2; ${SLEEP}`)
  const { name } = container
  const follower = await docker(['logs', '--follow', name]).says('started')
  follower.kill()
  const { State } = await container.inspect()
  const afterStart = String(Math.floor(Date.parse(State.StartedAt) / 1000) + 2)

  for (const command of [
    ['version'],
    ['info', '--format', '{{.ID}} {{.ServerVersion}}'],
    ['ps', '--all', '--size', '--filter', `id=${name}`, '--format', PS_FORMAT],
    ['inspect', '--size', name],
    ['logs', '--timestamps', name],
    ['logs', '--tail', '1', '--since', '1h', name],
    ['events', '--since', '10m', '--until', afterStart, '--filter', `container=${name}`],
  ])
    await t.test(`docker ${command[0]}`, async () => {
      const [routed, direct] = await Promise.all([route.docker(...command).ended(), docker(command).ended()])
      assert.deepEqual(routed, direct)
      assert.equal(routed.exitCode, 0)
      assert.notEqual(routed.stdout + routed.stderr, '')
    })

  await t.test(
    'docker logs -f shows lines as they come, and releases the engine when it is killed',
    async () => {
      const logs = await route.docker('logs', '--follow', name).says('started')
      await container.exec('sh', '-c', 'echo later >/proc/1/fd/1')
      await logs.says('later')
      await eventuallyPasses(async () => assert.equal(await tunnels(route, 'long'), 1))
      logs.kill()
      await eventuallyPasses(async () => assert.equal(await tunnels(route, 'long'), 0))
    },
  )

  await t.test('docker events shows events as they come', async () => {
    const events = route.docker('events', '--filter', `container=${name}`, '--filter', 'event=kill')
    await eventuallyPasses(async () => assert.equal(await tunnels(route, 'long'), 1))
    await container.signal('SIGWINCH')
    await events.says('container kill')
    events.kill()
  })

  await t.test('docker logs -f ends with the container', async () => {
    const logs = await route.docker('logs', '--follow', name).says('started')
    await container.kill()
    assert.equal((await logs.ended()).exitCode, 0)
  })
}

async function worksInContainers(t: TestContext): Promise<void> {
  const route = await filteredEngine(t, 'exec')
  const terminal = { DOCKER_HOST: `unix://${route.socketPath}` }

  await t.test('docker exec passes output and exit code', async () => {
    await using container = await shell(t, SLEEP)
    const ended = await route
      .docker('exec', container.name, 'sh', '-c', 'echo out; echo err >&2; exit 5')
      .ended()
    assert.deepEqual(ended, { exitCode: 5, stdout: 'out\n', stderr: 'err\n' })
  })

  await t.test('docker exec -i passes the end of its input, and what comes long after', async () => {
    await using container = await shell(t, SLEEP)
    // Longer than timeouts.halfClosed, which is 1 s.
    const program = 'wc -c; sleep 1.5; echo after'
    const ended = await route
      .docker('exec', '-i', container.name, 'sh', '-c', program)
      .ended('x'.repeat(3_000_000))
    assert.deepEqual(ended, { exitCode: 0, stdout: '3000000\nafter\n', stderr: '' })
  })

  await t.test('docker exec -i passes much output', async () => {
    await using container = await shell(t, SLEEP)
    const program = 'head -c 20000000 /dev/zero | tr "\\0" x'
    const { stdout } = await route.docker('exec', '-i', container.name, 'sh', '-c', program).ended()
    assert.equal(stdout.length, 20_000_000)
  })

  await t.test('docker exec -it is a terminal, with its size, its echo and ^C', async () => {
    await using container = await shell(t, SLEEP)
    const program = 'trap "echo caught; exit 7" INT; echo ready; while :; do stty size; sleep 0.1; done'
    const cli = dockerInTerminal(['exec', '-it', container.name, 'sh', '-c', program], terminal)
    await cli.says('ready')
    await cli.says('40 100')
    const { exitCode, stdout } = await cli.type('\x03').left()
    assert.match(stdout, /caught/)
    assert.equal(exitCode, 7)
  })

  await t.test('docker exec -d needs no upgrade', async () => {
    await using container = await shell(t, SLEEP)
    assert.equal(
      (await route.docker('exec', '-d', container.name, 'touch', '/tmp/there').ended()).exitCode,
      0,
    )
    await eventuallyPasses(async () => {
      assert.equal((await container.exec('ls', '/tmp/there')).stdout, '/tmp/there\n')
    })
  })

  await t.test('docker exec -i that is killed is released when its program ends', async () => {
    await using container = await shell(t, SLEEP)
    const program = 'cat; until [ -e /tmp/go ]; do sleep 0.1; done'
    const cli = await route
      .docker('exec', '-i', container.name, 'sh', '-c', program)
      .type('here\n')
      .says('here')
    cli.kill()
    await cli.left()
    assert.equal(await tunnels(route, 'upgrade'), 1)
    await container.exec('touch', '/tmp/go')
    await eventuallyPasses(async () => assert.equal(await tunnels(route, 'upgrade'), 0))
  })

  await t.test('dockerode execs with an upgrade, and without one', async () => {
    await using container = await shell(t, SLEEP)
    const library = new Docker({ socketPath: route.socketPath, version: 'v1.44' })
    for (const [Cmd, options, output] of [
      [['echo', 'plain'], {}, /plain\n$/],
      [['cat'], { hijack: true, stdin: true }, /upgraded\n$/],
    ] as const) {
      const task = { Cmd: [...Cmd], AttachStdin: 'stdin' in options, AttachStdout: true }
      const stream = await (await library.getContainer(container.name).exec(task)).start(options)
      if ('stdin' in options) stream.end('upgraded\n')
      assert.match(String(Buffer.concat(await stream.toArray())), output)
    }
  })

  await t.test('docker attach passes input, its end, output and exit code', async () => {
    const program = 'while read line; do echo "got $line"; done; exit 3'
    await using container = await shell(t, program, { input: 'stdin' })
    const cli = await route.docker('attach', container.name).type('hello\n').says('got hello')
    assert.deepEqual(await cli.ended(), { exitCode: 3, stdout: 'got hello\n', stderr: '' })
  })

  await t.test('docker attach to a terminal: detached by its keys, and attached again', async () => {
    await using container = await shell(t, 'while read line; do echo "got $line"; done', {
      input: 'terminal',
    })
    const first = dockerInTerminal(['attach', container.name], terminal)
    await eventuallyPasses(async () => assert.equal(await tunnels(route, 'upgrade'), 1))
    await first.type('one\n').says('got one')
    await first.type('\x10\x11').left()
    assert.equal(await container.condition(), 'running')
    const second = dockerInTerminal(['attach', container.name], terminal)
    await second.type('two\n').says('got two')
    assert.equal((await second.type('\x04').left()).exitCode, 0)
  })

  await t.test('no tunnel is left', () =>
    eventuallyPasses(async () =>
      assert.deepEqual([await tunnels(route, 'upgrade'), await tunnels(route, 'long')], [0, 0]),
    ),
  )
}

async function buildsAndCopies(t: TestContext): Promise<void> {
  const route = await filteredEngine(t, 'build')
  await using directory = await runDirectory()
  await chmod(directory.path, 0o777)

  for (const [builder, DOCKER_BUILDKIT] of [
    ['BuildKit', '1'],
    ['the classic builder', '0'],
  ] as const)
    await t.test(`docker build with ${builder}`, async () => {
      const content = randomBytes(1_000_000)
      const label = `${RUN_LABEL}=${runId()}`
      const steps = [`FROM ${image('redis')}`, 'COPY content /', 'RUN sha256sum /content', `LABEL ${label}`]
      await writeFile(directory.at('Dockerfile'), steps.join('\n'))
      await writeFile(directory.at('content'), content)
      const tag = `uds-e2e-${runId()}:${DOCKER_BUILDKIT}`
      t.after(() => engine.getImage(tag).remove({ force: true }))
      const { exitCode, stdout, stderr } = await docker(['build', '--tag', tag, directory.path], {
        DOCKER_HOST: `unix://${route.socketPath}`,
        DOCKER_BUILDKIT,
        BUILDKIT_PROGRESS: 'plain',
      }).ended()
      assert.equal(exitCode, 0, stderr)
      assert.match(stdout + stderr, new RegExp(hashOf(content)))
      assert.equal((await engine.getImage(tag).inspect()).Config.Labels[RUN_LABEL], runId())
    })

  await t.test('docker cp copies a large file in and out again', async () => {
    await using container = await shell(t, SLEEP, { mounts: [`${directory.path}:/data`] })
    const content = randomBytes(50_000_000)
    await writeFile(directory.at('in'), content)
    await succeeds(route.docker('cp', directory.at('in'), `${container.name}:/data/there`).ended())
    assert.match((await container.exec('sha256sum', '/data/there')).stdout, new RegExp(hashOf(content)))
    await succeeds(route.docker('cp', `${container.name}:/data/there`, directory.at('out')).ended())
    assert.equal(hashOf(await readFile(directory.at('out'))), hashOf(content))
  })
}

/** A container of Debian that runs this program, and may write to /tmp. */
function shell(t: TestContext, program: string, box: Partial<Box> = {}): Promise<OwnContainer> {
  return OwnContainer.start(t, {
    image: image('redis'),
    scratch: ['/tmp'],
    entrypoint: ['sh', '-c', program],
    ...box,
  })
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function succeeds(ended: Promise<Ended>): Promise<void> {
  const { exitCode, stderr } = await ended
  assert.equal(exitCode, 0, stderr)
}

/** How many tunnels of this kind the route has open, by its metrics. */
async function tunnels({ stack }: FilteredEngine, kind: 'long' | 'upgrade'): Promise<number> {
  const text = await stack.service('sidecar').inside(async () => {
    const response = await fetch('http://127.0.0.1:9901/metrics')
    return response.text()
  })
  const [, value] = new RegExp(`^sidecar_tunnels\\{[^}]*kind="${kind}"[^}]*\\} (\\d+)`, 'm').exec(text) ?? []
  assert.ok(value !== undefined, text)
  return Number(value)
}
