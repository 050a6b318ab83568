import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { callClient } from '../testing/call-client.ts'
import { EXPOSITION } from '../testing/small-app.ts'
import { type SmallStack, startSmallStack } from '../testing/small-stack.ts'

let stack: SmallStack
before(async () => {
  stack = await startSmallStack()
})
after(() => stack[Symbol.asyncDispose]())

const client = (...args: string[]) => callClient(args, { env: stack.env })

for (const way of [[], ['--tcp']]) {
  const name = way.length === 0 ? 'over the socket' : 'over TCP'

  describe(`${name}`, () => {
    it('status shows what the app reports', async () => {
      const { exitCode, stdout } = await client('status', ...way)
      assert.equal(exitCode, 0)
      assert.match(stdout, /^name +small$/m)
    })

    it('status --json is the JSON of the app', async () => {
      const { stdout } = await client('status', ...way, '--json')
      assert.equal(JSON.parse(stdout).pid, process.pid)
    })

    it('visit counts and prints one number for each visit', async () => {
      const before = stack.app.visits
      const { stdout } = await client('visit', ...way, '-n', '3')
      assert.equal(stdout, [1, 2, 3].map((n) => `${before + n}\n`).join(''))
    })

    it('visit --read does not count', async () => {
      const before = stack.app.visits
      const { stdout } = await client('visit', ...way, '--read', '--json')
      assert.deepEqual(JSON.parse(stdout), { visits: before })
      assert.equal(stack.app.visits, before)
    })

    it('metrics --raw is the exposition byte for byte', async () => {
      assert.equal((await client('metrics', ...way, '--raw')).stdout, EXPOSITION)
    })

    it('metrics --grep shows what matches', async () => {
      const { stdout } = await client('metrics', ...way, '--grep', '^app_v')
      assert.equal(stdout, 'app_visits_total counter - Visits counted\n  app_visits_total  3\n')
    })

    it('metrics --json has names, labels and values', async () => {
      const { families } = JSON.parse((await client('metrics', ...way, '--json')).stdout)
      assert.deepEqual(families[0].samples, [
        { name: 'app_build_info', labels: { version: 'test' }, value: '1' },
      ])
    })

    it('echo -m prints the response', async () => {
      assert.equal((await client('echo', ...way, '-m', 'ping')).stdout, 'echo: ping\n')
    })

    it('echo sends all of stdin, also a last line without a newline', async () => {
      const { exitCode, stdout } = await callClient(['echo', ...way], { env: stack.env, input: 'one\ntwo' })
      assert.equal(exitCode, 0)
      assert.equal(stdout, 'echo: one\necho: two\n')
    })
  })
}

it('--trace begins a trace, and says so on stderr alone', async () => {
  const { stdout, stderr } = await client('status', '--trace', '--json')
  const { traceId, spanId } = JSON.parse(stderr)
  assert.equal(JSON.parse(stdout).traceparent, `00-${traceId}-${spanId}-01`)
  assert.equal(JSON.parse((await client('status', '--json')).stdout).traceparent, undefined)
  assert.match((await client('metrics', '--trace')).stderr, /^trace [0-9a-f]{32}, span [0-9a-f]{16}\n$/)
})

it('an ENDPOINT takes precedence over the configuration', async () => {
  const { exitCode } = await callClient(['status', stack.env.CLIENT_TCP_API ?? ''])
  assert.equal(exitCode, 0)
})

it('an ENDPOINT together with --tcp is refused', async () => {
  const { exitCode, stderr } = await client('status', 'unix:/a.sock', '--tcp')
  assert.equal(exitCode, 64)
  assert.match(stderr, /both unix:\/a.sock and --tcp/)
})

it('visit reports the problem body when Redis is down', async () => {
  stack.app.redis = 'down'
  const { exitCode, stderr } = await client('visit')
  stack.app.redis = 'up'
  assert.equal(exitCode, 69)
  assert.match(stderr, /redis_down: .* responded with 503: Redis is away\n {2}hint: start it/)
})

it('metrics of something that is not an exposition is malformed', async () => {
  const { exitCode, stderr } = await client('metrics', stack.env.CLIENT_ECHO ?? '')
  assert.equal(exitCode, 69)
  assert.match(stderr, /upstream_malformed/)
})
