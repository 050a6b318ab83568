import type { Floor } from '../../suites/socket-or-tcp.ts'
import { sizeName } from '../figures.ts'
import { resultOf } from '../results.ts'
import { type Section, section } from '../section.ts'
import { digits, show, spreadOf } from '../spread.ts'
import { table } from '../table.ts'

export interface Run {
  readonly settings: { readonly protocol: string; readonly sizeBytes: number }
  readonly targets: readonly { readonly name: string; readonly latency: { p50Us: number; p99Us: number } }[]
  readonly ratios: readonly { of: string; compared: string; median: number; min: number; max: number }[]
}

export function socketOrTcp(): Section | null {
  const measured = resultOf<{ floor: Floor[]; runs: Run[] }>('socket-or-tcp')?.result
  if (measured === undefined) return null
  return section('Socket against loopback TCP', [
    'One connection, a payload and its echo or a GET and its body. A ratio over 1: the socket is that much better.',
    table(
      ['', 'socket p50 µs', 'TCP p50 µs', 'p50 ratio', 'p99 ratio', 'throughput ratio'],
      measured.runs.map(ofRun),
    ),
    'The same ping-pong between two C programs, the floor of the machine:',
    table(['', 'socket p50 µs', 'TCP p50 µs', 'p50 ratio'], floorRows(measured.floor)),
  ])
}

function ofRun({ settings, targets, ratios }: Run): string[] {
  const p50 = (name: string) => digits(targets.find((one) => one.name === name)?.latency.p50Us ?? Number.NaN)
  const ratio = (of: string) => {
    const found = ratios.find((one) => one.of === of && one.compared === 'tcp')
    return found === undefined ? '' : show(found)
  }
  const name = `${settings.protocol}, ${sizeName(settings.sizeBytes)}`
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
    return [sizeName(bytes), show(spreadOf(unix)), show(spreadOf(tcp)), show(spreadOf(ratios))]
  })
}
