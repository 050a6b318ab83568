import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { LogOutput } from '@uds-sidecar/shared/lifecycle/log-output'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Sidecar, type SidecarOptions } from '../sidecar/sidecar.ts'
import { configFrom } from './sidecar-with.ts'

/** A line of the access log. */
export type Line = Readonly<Record<string, unknown>>

export interface LoggingSidecar {
  readonly sidecar: Sidecar
  /** All that was written so far. */
  text(): string
  /** The lines of the access log so far, without what differs from run to run. */
  lines(): Line[]
  /** Resolves with the lines once there are so many. */
  untilLines(count: number): Promise<Line[]>
}

/**
 * Starts a sidecar in this process, and keeps its log.
 * @param yaml the text of a configuration file
 */
export async function loggingSidecar(yaml: string, options: SidecarOptions = {}): Promise<LoggingSidecar> {
  let text = ''
  const output = new LogOutput((bytes) => {
    text += Buffer.from(bytes).toString()
    return bytes.length
  })
  const build = { version: 'test', revision: 'test' }
  const log = createLog('sidecar', 'info', output)
  const sidecar = await Sidecar.start(configFrom(yaml), build, log, { ...options, output })
  const lines = () => accessLines(text)
  return {
    sidecar,
    text: () => text,
    lines,
    async untilLines(count) {
      await eventually(`${count} lines of the access log`, () => lines().length >= count)
      return lines()
    },
  }
}

/** The lines of the access log in `text`. */
export function accessLines(text: string): Line[] {
  const all: Line[] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
  return all.filter(({ msg }) => msg === 'request' || msg === 'connection')
}
