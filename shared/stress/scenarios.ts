import { attackedIncumbent } from './incumbent.scenario.ts'
import { intruder } from './intruder.scenario.ts'
import { killedStarters } from './killed-starters.scenario.ts'
import { takeoverUnderLoad } from './load.scenario.ts'
import type { Scenario } from './scenario.ts'
import { shutdownRacesTakeover } from './shutdown.scenario.ts'
import { staleFile } from './stale-file.scenario.ts'
import { concurrentTakeovers } from './takeover.scenario.ts'

/** Each of ours beside the ways that it is better than: these have to fail, or the harness sees nothing. */
export function scenarios(): Scenario[] {
  return [
    staleFile('protocol'),
    staleFile('unlink-listen'),
    staleFile('probe-unlink-listen'),
    killedStarters('refuse'),
    killedStarters('takeover'),
    concurrentTakeovers,
    shutdownRacesTakeover,
    attackedIncumbent('protocol'),
    attackedIncumbent('unlink-listen'),
    intruder('protocol'),
    intruder('listen-chmod'),
    takeoverUnderLoad(),
  ]
}
