import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'

/** A reload of the configuration, as people see it. */
export interface Reload {
  readonly at: Date
  /** Why it was refused; null: it is active. */
  readonly refused: string | null
  /** One line for each thing that it changed; empty when it was refused. */
  readonly changes: readonly string[]
}

/** Remembers the last reload. */
export class Reloads {
  last: Reload | null = null

  applied(before: Config, after: Config): void {
    this.last = { at: new Date(), refused: null, changes: changesBetween(before, after) }
  }

  refused(reason: string): void {
    this.last = { at: new Date(), refused: reason, changes: [] }
  }
}

/** What differs between two configurations: routes, the operations port and clients, with the settings that differ. */
export function changesBetween(before: Config, after: Config): string[] {
  return [
    ...byName('route', before.routes, after.routes),
    ...byName('client', before.clients, after.clients),
    ...changed('operations port', operationsOf(before), operationsOf(after)),
    ...(before.drainMs === after.drainMs ? [] : ['drain changed']),
  ]
}

interface Named {
  readonly name: string
}

function byName(what: string, before: readonly Named[], after: readonly Named[]): string[] {
  const old = new Map(before.map((each) => [each.name, each]))
  const current = new Set(after.map(({ name }) => name))
  return [
    ...before.flatMap(({ name }) => (current.has(name) ? [] : [`${what} ${name}: removed`])),
    ...after.flatMap((each) => {
      const former = old.get(each.name)
      if (former === undefined) return [`${what} ${each.name}: new`]
      return changed(`${what} ${each.name}`, former, each)
    }),
  ]
}

function operationsOf({ ops, opsTls, opsAccess }: Config): object {
  return { listen: ops, tls: opsTls, hosts: opsAccess?.hosts, for: opsAccess?.for }
}

/** Settings whose name in the file is another. */
const NAMES: Readonly<Record<string, string>> = {
  timeoutsMs: 'timeouts',
  isConnectionsSet: 'limits',
}

/** One line that names the settings that differ; none where nothing does. */
function changed(what: string, before: object, after: object): string[] {
  const [old, current] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  const names = [...new Set([...old.keys(), ...current.keys()])]
  const differing = names.filter((name) => !isDeepStrictEqual(old.get(name), current.get(name)))
  const settings = new Set(differing.map((name) => NAMES[name] ?? name))
  return settings.size === 0 ? [] : [`${what}: ${[...settings].join(', ')} changed`]
}
