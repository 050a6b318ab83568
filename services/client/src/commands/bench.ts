import { writeFile } from 'node:fs/promises'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { visibleIn, visibleJson } from '@uds-sidecar/shared/text/visible'
import { ownGround, STACK_LINE_BYTES, stackGround } from '../bench/ground.ts'
import { latencyPlots } from '../bench/latency-plot.ts'
import { ProgressBar, report } from '../bench/report.ts'
import { summariseRun } from '../bench/result.ts'
import { type RunResult, run } from '../bench/run.ts'
import { DEFAULT_SIZE_BYTES, type Settings } from '../bench/settings.ts'
import type { Ground } from '../bench/target.ts'
import { usageError } from '../cli/cli-error.ts'
import { type Context, defineCommand } from '../cli/command.ts'
import type { Values } from '../cli/options.ts'
import { palette } from '../output/text.ts'
import { BENCH_OPTIONS } from './bench-options.ts'

export const command = defineCommand({
  name: 'bench',
  summary: 'measure socket, loopback TCP and sidecar in turn',
  positionals: '',
  maxPositionals: 0,
  options: BENCH_OPTIONS,
  examples: [
    ['client bench', '64 B ping-pong over one connection'],
    [
      'client bench --protocol http -s 64,16KiB,1MiB -c 32 --svg latency.svg',
      'three runs and a chart of them',
    ],
    ['client bench --rate 2000 -c 10', 'at a constant rate, coordinated omission corrected'],
  ],
  jsonShape:
    '{"runs": [{settings, loop, coordinatedOmission, interrupted, targets: [{name, endpoint, requests, errors, seconds, requestsPerSecond, mebibytesPerSecond, latency: {minUs, meanUs, p50Us, p90Us, p99Us, p999Us, maxUs}, rounds}], ratios: [{of, compared, to, median, min, max}]}], "missing": {name: reason}}',
  async run({ values }, context) {
    const signal = context.interrupted()
    await using ground = values.stack ? stackGround(context.config) : await ownGround()
    const results = await runAll(runsOf(values), ground, context, signal)
    if (values.svg !== undefined) await writeFile(values.svg, latencyPlots(results))
    show(results, ground, context)
    return EXIT.ok
  },
})

function runsOf(values: Values<typeof BENCH_OPTIONS>): Settings[] {
  return sizesOf(values).map((sizeBytes) => ({
    protocol: values.protocol,
    sizeBytes,
    connections: values.connections,
    ratePerSecond: values.rate === 0 ? null : values.rate,
    rounds: values.rounds,
    roundMs: values['round-ms'],
    warmupMs: values['warmup-ms'],
  }))
}

/** The stack decides the size of its HTTP responses, and its echo limits the length of a line. */
function sizesOf({ stack, protocol, size }: Values<typeof BENCH_OPTIONS>): readonly (number | null)[] {
  if (!stack) return size ?? [DEFAULT_SIZE_BYTES]
  if (protocol === 'http' && size !== undefined)
    throw usageError(
      '--size cannot be combined with --stack and --protocol http',
      'leave out --size: the stack decides the size of its response',
    )
  if (size?.some((bytes) => bytes > STACK_LINE_BYTES))
    throw usageError(
      '--size is larger than the echo of the stack accepts',
      `it may be up to ${STACK_LINE_BYTES}`,
    )
  return protocol === 'http' ? [null] : (size ?? [DEFAULT_SIZE_BYTES])
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
      ? `${visibleJson({ runs, missing })}\n`
      : [...runs.map((one) => report(visibleIn(one), colours)), ...notes].join('\n'),
  )
}
