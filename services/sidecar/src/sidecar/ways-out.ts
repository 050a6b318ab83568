import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Config, Route } from '../config/config.ts'
import type { NameResolver } from '../egress/egress-policy.ts'
import { badFiles } from '../files/bad-files.ts'
import type { OutgoingCounters } from '../observe/outgoing-status.ts'
import type { WayOut } from '../way-out/way-out.ts'

/**
 * Reads what the routes with an upstream on TCP need for it. Their module is imported only where there is one.
 * @param countersOf counters that a route of this name already has.
 * @throws Failure `bad_config` that names all missing and bad files.
 */
export async function loadWaysOut(
  routes: readonly Route[],
  resolver: NameResolver,
  log: Logger,
  countersOf: (name: string) => OutgoingCounters | undefined = () => undefined,
): Promise<Map<string, WayOut>> {
  const outgoing = routes.filter((route) => route.kind !== 'connect' && route.upstream.kind === 'tcp')
  if (outgoing.length === 0) return new Map()
  const { WayOut } = await import('../way-out/way-out.ts')
  const loaded = await Promise.allSettled(
    outgoing.map(async (route) => {
      const { name } = route
      const parts = {
        resolver,
        log: log.child({ route: name }),
        counters: countersOf(name) ?? { reloadFailures: 0 },
      }
      return [name, await WayOut.load(route, parts)] as const
    }),
  )
  const reasons = loaded.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  const waysOut = new Map<string, WayOut>()
  for (const each of loaded)
    if (each.status === 'fulfilled' && each.value[1] !== null) waysOut.set(each.value[0], each.value[1])
  if (reasons.length === 0) return waysOut
  for (const wayOut of waysOut.values()) wayOut[Symbol.dispose]()
  throw badFiles(reasons)
}

/** Reads the files of a whole configuration and forgets them: for `--check`. @throws Failure `bad_config` */
export async function checkWaysOut({ routes }: Config, log: Logger): Promise<void> {
  const { Resolver } = await import('../egress/resolver.ts')
  const waysOut = await loadWaysOut(routes, new Resolver(), log)
  for (const wayOut of waysOut.values()) wayOut[Symbol.dispose]()
}
