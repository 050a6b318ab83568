import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { type Config, configOf } from '../config/config.ts'
import { parseFile } from '../config/parse-file.ts'
import { Sidecar, type SidecarOptions } from '../sidecar/sidecar.ts'

/** Parses the text of a configuration file. */
export function configFrom(yaml: string): Config {
  return configOf(parseFile(yaml, 'test.yaml'))
}

/**
 * Starts a sidecar in this process, without a log.
 * @param yaml the text of a configuration file. Write `tcp://127.0.0.1:0` to listen on a free port.
 */
export function sidecarWith(yaml: string, options: SidecarOptions = {}): Promise<Sidecar> {
  const build = { version: 'test', revision: 'test' }
  return Sidecar.start(configFrom(yaml), build, createLog('sidecar', 'silent'), options)
}

/**
 * A clock for `SidecarOptions` that stands still until the test lets it go: where something must happen before a deadline
 * passes, a short one would pass first on a busy machine.
 */
export class HeldClock {
  #heldMs = 1_000
  #goneSinceMs = Number.POSITIVE_INFINITY

  readonly clock = (): number => this.#heldMs + Math.max(0, performance.now() - this.#goneSinceMs)

  go(): void {
    this.#goneSinceMs = performance.now()
  }

  hold(): void {
    this.#heldMs = this.clock()
    this.#goneSinceMs = Number.POSITIVE_INFINITY
  }
}

/** The TCP port of the route with this name; without a name, of the first route. */
export function portOf({ routes }: Sidecar, name?: string): number {
  const route = routes.find((each) => name === undefined || each.route.name === name)
  if (route?.listen.kind !== 'tcp') throw new Error(`no TCP route ${name ?? ''}`)
  return route.listen.port
}

/** The TCP port of the operations port. */
export function opsPortOf({ addresses }: Sidecar): number {
  const port = /^tcp:.*:(\d+)$/.exec(addresses.ops ?? '')?.[1]
  if (port === undefined) throw new Error('the sidecar has no operations port')
  return Number(port)
}

/**
 * One HTTP route that allows `GET /a`, as text for the configuration file.
 * @param port of 127.0.0.1; 0 for a free one.
 * @param upstream the path of the socket.
 */
export function httpRouteText(name: string, port: number, upstream: string): string {
  return `{name: ${name}, kind: http, listen: "tcp://127.0.0.1:${port}", upstream: "unix:${upstream}", allow: [GET /a]}`
}
