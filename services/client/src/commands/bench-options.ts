import { BENCH_PROTOCOLS, type BenchProtocol, parseSize } from '../bench/settings.ts'
import { usageError } from '../cli/cli-error.ts'
import { type Flag, type Options, oneOf, type Valued, wholeNumber } from '../cli/options.ts'

const MAX_SIZE = 1024 * 1024

const protocol = {
  kind: 'value',
  placeholder: BENCH_PROTOCOLS.join('|'),
  summary: 'what to exchange: a payload and its echo, or a GET and a body',
  ...oneOf(BENCH_PROTOCOLS),
  fallback: 'echo',
} as const satisfies Valued<BenchProtocol>

const size = {
  kind: 'value',
  short: 's',
  placeholder: 'SIZE[,...]',
  summary: 'bytes of a payload, from 2 to 1MiB, such as 64,16KiB: one run for each (64)',
  read: sizes,
  fallback: undefined,
} as const satisfies Valued<readonly number[] | undefined>

const svg = {
  kind: 'value',
  placeholder: 'FILE',
  summary: 'write a chart of the latency distributions to this file',
  read: (text: string) => text,
  fallback: undefined,
} as const satisfies Valued<string | undefined>

const stack = {
  kind: 'flag',
  summary: 'measure the running stack, not servers started by the client',
} as const satisfies Flag

export const BENCH_OPTIONS = {
  protocol,
  size,
  connections: { ...number('N', 1, 1_000, 1, 'connections at a time'), short: 'c' },
  rate: number(
    'N',
    0,
    1_000_000,
    0,
    'requests per second over all connections; 0: each connection sends when it has its response',
  ),
  rounds: number('N', 1, 1_000, 10, 'how many rounds; each measures every target once'),
  'round-ms': number('MS', 10, 600_000, 250, 'how long each target is measured per round'),
  'warmup-ms': number('MS', 0, 600_000, 500, 'how long each target runs before measuring starts'),
  stack,
  svg,
} as const satisfies Options

function number(placeholder: string, min: number, max: number, fallback: number, summary: string) {
  return { kind: 'value', placeholder, summary, read: wholeNumber(min, max), fallback } as const
}

function sizes(text: string, option: string): readonly number[] {
  return text.split(',').map((one) => {
    const bytes = parseSize(one)
    if (bytes !== undefined && bytes >= 2 && bytes <= MAX_SIZE) return bytes
    throw usageError(
      `${option} has ${JSON.stringify(one)}`,
      'a size may be from 2 to 1MiB, such as 64, 16KiB or 1MiB',
    )
  })
}
