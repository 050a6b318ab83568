import { runToEnd } from '../process/run-to-end.ts'
import { mainOf } from '../programs.ts'
import type { Settings } from '../settings.ts'

const SIZES = [64, 1_024, 16_384, 65_536, 1_048_576] as const
const ROUND_MS = 200

export interface Floor {
  readonly transport: 'unix' | 'tcp'
  readonly bytes: number
  readonly rounds: { exchanges: number; p50Us: number; p99Us: number }[]
}

/** The same handler over a socket and over loopback TCP (`client bench`), and a pair of C programs as the floor. */
export async function socketOrTcp({ rounds }: Settings) {
  const floor = await floorOf(rounds)
  const echo = await clientBench('echo', rounds)
  return { floor, runs: [...echo, ...(await clientBench('http', rounds))] }
}

async function clientBench(protocol: string, rounds: number): Promise<unknown[]> {
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
  return (JSON.parse(await runToEnd(command)) as { runs: unknown[] }).runs
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
