import { availableParallelism } from 'node:os'

/** What generates load, and the upstream. */
export const LOAD_CPU = 0
/** The candidate that is measured has this one to itself, so that its capacity is that of one processor. */
export const CANDIDATE_CPU = 1

/** The command, bound to one processor where there are two. */
export function pinned(command: readonly string[], cpu: number): readonly string[] {
  return process.platform === 'linux' && availableParallelism() > CANDIDATE_CPU
    ? ['taskset', '-c', `${cpu}`, ...command]
    : command
}
