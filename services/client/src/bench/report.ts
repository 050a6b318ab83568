import { clip, type Output, type Palette, table } from '../output/text.ts'
import type { Ratio, RunSummary, TargetSummary } from './result.ts'
import type { Progress } from './run.ts'
import { formatSize, type Settings } from './settings.ts'

/** `echo, 64 B`; `http` alone when the stack decides the size. */
export function describePayload({ protocol, sizeBytes }: Settings): string {
  return sizeBytes === null ? protocol : `${protocol}, ${formatSize(sizeBytes)}`
}

const WIDTH = 30
const CLEAR_LINE = '\r\u001b[K'

/** A progress bar on a terminal, nothing elsewhere. */
export class ProgressBar implements Disposable {
  readonly #output: Output
  readonly #steps: number
  #done = 0

  constructor(output: Output, steps: number) {
    this.#output = output
    this.#steps = steps
  }

  show({ settings, round, target }: Progress): void {
    if (!this.#output.isTTY) return
    const done = Math.round((this.#done++ / this.#steps) * WIDTH)
    const bar = `[${'█'.repeat(done)}${' '.repeat(WIDTH - done)}]`
    const what = round === 0 ? 'warm-up' : `round ${round} of ${settings.rounds}`
    const text = `${bar} ${describePayload(settings)}: ${what}, ${target}`
    this.#output.write(`${CLEAR_LINE}${clip(text, this.#output.columns ?? 80)}`)
  }

  [Symbol.dispose](): void {
    if (this.#output.isTTY) this.#output.write(CLEAR_LINE)
  }
}

const HEADINGS = ['', 'p50 µs', 'p90', 'p99', 'p99.9', 'max', 'requests/s', 'MiB/s', 'requests', 'errors']

/** One run as text: settings, a line for each target, and the ratios to the socket. */
export function report(summary: RunSummary, colours: Palette): string {
  const rows = summary.targets.map((target) => line(target, colours))
  return [
    colours.strong(heading(summary)),
    table([HEADINGS.map(colours.faint), ...rows]),
    ...summary.ratios.map((ratio) => `${describe(ratio)}`),
    ...(summary.interrupted ? [colours.bad('interrupted: the results so far')] : []),
    '',
  ].join('\n')
}

function heading({ settings, coordinatedOmission }: RunSummary): string {
  const { connections, ratePerSecond, rounds, roundMs } = settings
  const pace =
    ratePerSecond === null
      ? 'closed loop, timed from sending'
      : `${ratePerSecond} requests/s, timed from when they were due`
  return [
    `${describePayload(settings)}, ${connections} connection${connections === 1 ? '' : 's'}`,
    `${pace} (coordinated omission ${coordinatedOmission})`,
    `${rounds} rounds of ${roundMs} ms`,
  ].join('; ')
}

function line(
  { name, latency, requestsPerSecond, mebibytesPerSecond, requests, errors }: TargetSummary,
  colours: Palette,
) {
  const { p50Us, p90Us, p99Us, p999Us, maxUs } = latency
  return [
    name,
    ...[p50Us, p90Us, p99Us, p999Us, maxUs].map((us) => us.toFixed(1)),
    requestsPerSecond.toFixed(0),
    mebibytesPerSecond?.toFixed(1) ?? '-',
    String(requests),
    failures(errors, colours),
  ]
}

function failures(errors: Readonly<Record<string, number>>, { bad }: Palette): string {
  const entries = Object.entries(errors).map(([reason, count]) => bad(`${reason} ${count}`))
  return entries.length === 0 ? '0' : entries.join(', ')
}

function describe({ of, compared, median, min, max }: Ratio): string {
  const what = of === 'throughput' ? `requests/s, socket / ${compared}` : `${of}, ${compared} / socket`
  return `  ${what}: ${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)} over the rounds)`
}
