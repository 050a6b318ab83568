import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import type { Config } from '../config/config.ts'
import { configOf } from '../config/load-config.ts'
import { parseFile } from '../config/parse-file.ts'
import { Sidecar } from '../sidecar/sidecar.ts'

export function configFrom(yaml: string): Config {
  return configOf(parseFile(yaml, 'test.yaml'))
}

/** A sidecar in this process, from the text of a configuration file; write `tcp://127.0.0.1:0` for ports. */
export function sidecarWith(yaml: string): Promise<Sidecar> {
  const build = { version: 'test', revision: 'test' }
  return Sidecar.start(configFrom(yaml), build, createLog('sidecar', 'silent'))
}

/** The port that the only route, or the one with this name, listens on. */
export function portOf({ routes }: Sidecar, name?: string): number {
  const route = routes.find((each) => name === undefined || each.route.name === name)
  if (route?.listen.kind !== 'tcp') throw new Error(`no TCP route ${name ?? ''}`)
  return route.listen.port
}
