import type { RunSummary } from '@uds-sidecar/client/bench/result'
import { formatSize } from '@uds-sidecar/client/bench/settings'
import { spreadOf } from '@uds-sidecar/client/statistics'
import { digits, markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { mainOf, runToEnd } from '../processes.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'

const SIZES = [64, 1_024, 16_384, 65_536, 1_048_576] as const
const ROUND_MS = 200

export interface Floor {
  readonly transport: 'unix' | 'tcp'
  readonly bytes: number
  readonly rounds: { exchanges: number; p50Us: number; p99Us: number }[]
}

export interface SocketOrTcp {
  readonly floor: Floor[]
  readonly runs: RunSummary[]
}

/** The same handler over a socket and over loopback TCP (`client bench`), and two C programs for the minimum. */
export async function socketOrTcp({ rounds }: Settings): Promise<SocketOrTcp> {
  const floor = await floorOf(rounds)
  const echo = await clientBench('echo', rounds)
  return { floor, runs: [...echo, ...(await clientBench('http', rounds))] }
}

async function clientBench(protocol: string, rounds: number): Promise<RunSummary[]> {
  const sizes = ['--size', SIZES.join(',')]
  const time = ['--rounds', `${rounds}`, '--round-ms', `${ROUND_MS}`, '--warmup-ms', '300']
  const command = [
    process.execPath,
    mainOf('client'),
    'bench',
    '--json',
    '--protocol',
    protocol,
    ...sizes,
    ...time,
  ]
  return (JSON.parse(await runToEnd(command)) as { runs: RunSummary[] }).runs
}

async function floorOf(rounds: number): Promise<Floor[]> {
  const all: Floor[] = SIZES.flatMap((bytes) =>
    (['unix', 'tcp'] as const).map((transport) => ({ transport, bytes, rounds: [] })),
  )
  for (let round = 0; round < rounds; round++)
    for (const { transport, bytes, rounds: measured } of all)
      measured.push(JSON.parse(await runToEnd(['ping-pong', transport, `${bytes}`, `${ROUND_MS / 1_000}`])))
  return all
}

export function socketOrTcpSection(): Section | null {
  const measured = resultOf<SocketOrTcp>('socket-or-tcp')?.result
  if (measured === undefined) return null
  return section('Socket against loopback TCP', [
    'One connection that exchanges a payload and its echo, or a GET and its body. A ratio above 1 means that the socket is better by that factor.',
    markdownTable(
      ['', 'socket p50 µs', 'TCP p50 µs', 'p50 ratio', 'p99 ratio', 'throughput ratio'],
      measured.runs.map(ofRun),
    ),
    'The same ping-pong between two C programs, the minimum on this machine:',
    markdownTable(['', 'socket p50 µs', 'TCP p50 µs', 'p50 ratio'], floorRows(measured.floor)),
  ])
}

function ofRun({ settings, targets, ratios }: RunSummary): string[] {
  const p50 = (name: string) => digits(targets.find((one) => one.name === name)?.latency.p50Us ?? Number.NaN)
  const ratio = (of: string) => {
    const found = ratios.find((one) => one.of === of && one.compared === 'tcp')
    return found === undefined ? '' : showSpread(found)
  }
  const name = `${settings.protocol}, ${formatSize(settings.sizeBytes ?? 0)}`
  return [name, p50('socket'), p50('tcp'), ratio('p50'), ratio('p99'), ratio('throughput')]
}

function floorRows(floor: readonly Floor[]): string[][] {
  const sizes = [...new Set(floor.map(({ bytes }) => bytes))]
  return sizes.map((bytes) => {
    const p50s = (transport: string) =>
      floor
        .find((one) => one.bytes === bytes && one.transport === transport)
        ?.rounds.map(({ p50Us }) => p50Us) ?? []
    const [unix, tcp] = [p50s('unix'), p50s('tcp')]
    const ratios = tcp.map((value, i) => value / (unix[i] ?? Number.NaN))
    return [
      formatSize(bytes),
      showSpread(spreadOf(unix)),
      showSpread(spreadOf(tcp)),
      showSpread(spreadOf(ratios)),
    ]
  })
}
