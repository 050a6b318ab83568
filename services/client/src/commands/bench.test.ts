import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, readFile, watch } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { RunSummary, TargetSummary } from '../bench/result.ts'
import { temporaryDirectory } from '../testing/broken-server.ts'
import { callClient } from '../testing/call-client.ts'
import { startClient } from '../testing/run-client.ts'
import { startSmallStack } from '../testing/small-stack.ts'

const SHORT = ['--rounds', '2', '--round-ms', '40', '--warmup-ms', '10']

async function bench(...args: string[]): Promise<RunSummary[]> {
  const { exitCode, stdout, stderr } = await callClient(['bench', '--json', ...SHORT, ...args])
  assert.equal(exitCode, 0, stderr)
  return JSON.parse(stdout).runs
}

/** Checks that the numbers are consistent; says nothing about speed. */
function assertConsistent({
  requests,
  seconds,
  requestsPerSecond,
  rounds,
  latency,
  errors,
  name,
}: TargetSummary) {
  const sum = rounds.reduce((total, round) => total + round.requests, 0)
  assert.equal(requests, sum, `${name}: requests are the sum of the rounds`)
  assert.ok(requests > 0)
  assert.deepEqual(errors, {})
  assert.ok(Math.abs(requestsPerSecond - requests / seconds) < 1e-6)
  const ordered = [latency.minUs, latency.p50Us, latency.p90Us, latency.p99Us, latency.p999Us, latency.maxUs]
  assert.deepEqual(
    ordered,
    ordered.toSorted((a, b) => a - b),
    `${name}: percentiles are ordered`,
  )
  assert.ok(latency.minUs <= latency.meanUs && latency.meanUs <= latency.maxUs)
}

function assertRatiosInSpread({ ratios, targets }: RunSummary) {
  assert.equal(ratios.length, (targets.length - 1) * 3)
  for (const { min, median, max } of ratios) assert.ok(min <= median && median <= max)
}

/** The client creates its directory after it has installed its signal handlers. */
async function directoryHasEntry(directory: string): Promise<void> {
  const changes = watch(directory, { signal: AbortSignal.timeout(60_000) })[Symbol.asyncIterator]()
  const change = changes.next()
  if ((await readdir(directory)).length === 0) await change
  await changes.return?.()
}

describe('bench of its own servers', () => {
  for (const protocol of ['echo', 'http'])
    it(`of ${protocol} measures socket, TCP and sidecar, with consistent numbers`, async () => {
      const runs = await bench('--protocol', protocol, '--size', '64,1MiB', '-c', '3')
      assert.deepEqual(
        runs.map(({ settings }) => settings.sizeBytes),
        [64, 1024 * 1024],
      )
      for (const run of runs) {
        assert.deepEqual(
          run.targets.map(({ name }) => name),
          ['socket', 'tcp', 'sidecar'],
        )
        run.targets.forEach(assertConsistent)
        assertRatiosInSpread(run)
        assert.equal(run.coordinatedOmission, 'not corrected')
      }
    })

  it('holds 1,000 connections', async () => {
    const [run] = await bench('-c', '1000', '--rounds', '1', '--warmup-ms', '0')
    run?.targets.forEach(assertConsistent)
  })

  it('at SIGINT shows the results so far and leaves no files behind', async () => {
    await using temporary = await temporaryDirectory()
    const args = ['bench', '--json', '--rounds', '1000', '--round-ms', '20', '--warmup-ms', '0']
    const child = startClient(args, { env: { TMPDIR: temporary.directory } })
    const output = text(child.stdout)
    await directoryHasEntry(temporary.directory)
    child.kill('SIGINT')
    assert.deepEqual(await once(child, 'close'), [0, null])
    const [run] = JSON.parse(await output).runs as RunSummary[]
    assert.equal(run?.interrupted, true)
    const counts = run?.targets.map(({ rounds }) => rounds.length) ?? []
    assert.equal(new Set(counts).size, 1, 'only whole rounds count')
    assert.deepEqual(await readdir(temporary.directory), [])
  })

  const refused = [
    [['--size', '64,1'], '--size has "1"'],
    [['--size', '2MiB'], '--size has "2MiB"'],
    [
      ['--stack', '--protocol', 'http', '--size', '64'],
      '--size cannot be combined with --stack and --protocol http',
    ],
    [['--stack', '--size', '128KiB'], 'it may be up to 65536'],
  ] as const
  for (const [args, said] of refused)
    it(`refuses ${args.join(' ')}`, async () => {
      const { exitCode, stderr } = await callClient(['bench', ...args])
      assert.equal(exitCode, 64)
      assert.ok(stderr.includes(said), stderr)
    })
})

describe('bench of the running stack', () => {
  it('measures the sockets of the app and the ports of the sidecar', async () => {
    await using stack = await startSmallStack()
    const { stdout } = await callClient(['bench', '--stack', '--json', ...SHORT], { env: stack.env })
    const { runs, missing } = JSON.parse(stdout)
    const endpoints = runs[0].targets.map(({ endpoint }: TargetSummary) => endpoint)
    assert.deepEqual(endpoints, [stack.env.CLIENT_ECHO, stack.env.CLIENT_TCP_ECHO])
    runs[0].targets.forEach(assertConsistent)
    assert.match(missing.tcp, /the app listens on no network/)
  })

  it('at a constant rate sends every due request and says that coordinated omission is corrected', async () => {
    await using stack = await startSmallStack()
    const args = ['bench', '--stack', '--json', '--rate', '1000', '-c', '4', '--protocol', 'http', ...SHORT]
    const [run] = JSON.parse((await callClient(args, { env: stack.env })).stdout).runs
    assert.equal(run.coordinatedOmission, 'corrected')
    assert.deepEqual(
      run.targets.map(({ requests }: TargetSummary) => requests),
      [2 * 40, 2 * 40],
    )
  })

  it('in text shows the kind of load, each target and the ratios', async () => {
    await using stack = await startSmallStack()
    const { stdout } = await callClient(['bench', '--stack', ...SHORT], { env: stack.env })
    const pace = 'closed loop, timed from sending (coordinated omission not corrected)'
    assert.ok(stdout.startsWith(`echo, 64 B, 1 connection; ${pace}; 2 rounds of 40 ms\n`), stdout)
    assert.match(stdout, /^sidecar( +[\d.]+){8} +0$/m)
    assert.match(
      stdout,
      /^ {2}p50, sidecar \/ socket: \d+\.\d\d \(\d+\.\d\d to \d+\.\d\d over the rounds\)$/m,
    )
    assert.match(stdout, /^tcp was not measured: /m)
  })

  it('--svg writes a well-formed file with a curve for each target', async () => {
    await using stack = await startSmallStack()
    const file = `${stack.directory}/latency.svg`
    await callClient(['bench', '--stack', '--svg', file, ...SHORT], { env: stack.env })
    const drawing = await readFile(file, 'utf8')
    for (const name of ['socket', 'sidecar'])
      assert.match(drawing, new RegExp(`<polyline class="${name}" points="(-?[\\d.]+,-?[\\d.]+ ?){10,}"/>`))
    const opened = drawing.match(/<[a-z]+(\s[^>]*[^/])?>/g)?.length
    assert.equal(opened, drawing.match(/<\/[a-z]+>/g)?.length)
    assert.doesNotMatch(drawing, /NaN|Infinity|undefined/)
  })
})
