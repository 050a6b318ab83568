import { writeFile } from 'node:fs/promises'
import { EXIT } from '@uds-sidecar/shared/failure/exit-codes'
import { ProgressBar } from '../bench/output/progress-bar.ts'
import { report } from '../bench/output/report.ts'
import { svg } from '../bench/output/svg.ts'
import { ownGround } from '../bench/own-ground.ts'
import { summariseRun } from '../bench/result.ts'
import { type RunResult, run } from '../bench/run.ts'
import type { Settings } from '../bench/settings.ts'
import { stackGround } from '../bench/stack-ground.ts'
import type { Ground } from '../bench/target.ts'
import { type Context, defineCommand } from '../cli/command.ts'
import type { Values } from '../cli/options.ts'
import { palette } from '../output/style.ts'
import { BENCH_OPTIONS } from './bench-options.ts'

const DEFAULT_SIZE = 64

export const command = defineCommand({
  name: 'bench',
  summary: 'the same request over a socket, over loopback TCP and through the sidecar, measured in turn',
  synopsis: '[--protocol echo|http] [--size SIZE,...] [--connections N] [--rate N] [--stack] [--svg FILE]',
  maxPositionals: 0,
  options: BENCH_OPTIONS,
  examples: [
    ['client bench', '64 B ping-pong over one connection'],
    [
      'client bench --protocol http -s 64,16KiB,1MiB -c 32 --svg latency.svg',
      'three runs, and their picture',
    ],
    ['client bench --rate 2000 -c 10', 'at a constant rate, coordinated omission corrected'],
  ],
  jsonShape:
    '{"runs": [{settings, loop, coordinatedOmission, interrupted, targets: [{name, endpoint, requests, errors, seconds, requestsPerSecond, mebibytesPerSecond, latency: {minUs, meanUs, p50Us, p90Us, p99Us, p999Us, maxUs}, rounds}], ratios: [{of, compared, to, median, min, max}]}], "missing": {name: reason}}',
  async run({ values }, context) {
    const signal = context.interrupted()
    await using ground = values.stack ? stackGround(context.config) : await ownGround()
    const results = await runAll(runsOf(values), ground, context, signal)
    if (values.svg !== undefined) await writeFile(values.svg, svg(results))
    show(results, ground, context)
    return EXIT.ok
  },
})

function runsOf(values: Values<typeof BENCH_OPTIONS>): Settings[] {
  return (values.size ?? [DEFAULT_SIZE]).map((sizeBytes) => ({
    protocol: values.protocol,
    sizeBytes,
    connections: values.connections,
    ratePerSecond: values.rate === 0 ? null : values.rate,
    rounds: values.rounds,
    roundMs: values['round-ms'],
    warmupMs: values['warmup-ms'],
  }))
}

async function runAll(
  runs: readonly Settings[],
  ground: Ground,
  { stderr }: Context,
  signal: AbortSignal,
): Promise<RunResult[]> {
  const steps = runs.reduce((sum, one) => sum + (one.rounds + 1) * ground.targets(one.protocol).length, 0)
  using bar = new ProgressBar(stderr, steps)
  const results: RunResult[] = []
  for (const settings of runs)
    results.push(await run(settings, ground, { signal, progress: (step) => bar.show(step) }))
  return results
}

function show(results: readonly RunResult[], { missing }: Ground, { json, stdout, env }: Context): void {
  const runs = results.map(summariseRun)
  const colours = palette(stdout, env)
  const notes = Object.entries(missing).map(([name, reason]) => `${name} was not measured: ${reason}\n`)
  stdout.write(
    json
      ? `${JSON.stringify({ runs, missing })}\n`
      : [...runs.map((one) => report(one, colours)), ...notes].join('\n'),
  )
}
