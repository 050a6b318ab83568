import { readdirSync, readFileSync } from 'node:fs'

/** Positions of fields in /proc/PID/stat after the name, from 0 (proc_pid_stat(5)). */
const SESSION = 3
const TIMES_OF_ENDED_CHILDREN = [13, 14]
const RSS_PAGES = 21

const TICK_US = 10_000 // USER_HZ is 100 on every Linux
const PAGE_BYTES = 4_096

export interface Usage {
  readonly cpuUs: number
  readonly rssBytes: number
}

/** CPU time that all processes of a session have used so far, and their resident memory now. */
export function usageOf(session: number): Usage {
  const usage = { cpuUs: 0, rssBytes: 0 }
  for (const pid of numbersIn('/proc')) {
    const stat = statOf(pid)
    if (stat[SESSION] !== session) continue
    for (const field of TIMES_OF_ENDED_CHILDREN) usage.cpuUs += (stat[field] ?? 0) * TICK_US
    usage.cpuUs += ranUs(pid)
    usage.rssBytes += (stat[RSS_PAGES] ?? 0) * PAGE_BYTES
  }
  return usage
}

/** CPU time of all threads from schedstat, which counts nanoseconds; /proc/PID/stat counts ticks of 10 ms. */
function ranUs(pid: string): number {
  const tasks = `/proc/${pid}/task`
  const ran = (task: string) => Number.parseInt(textOf(`${tasks}/${task}/schedstat`) || '0', 10)
  return numbersIn(tasks).reduce((sum, task) => sum + ran(task), 0) / 1_000
}

function statOf(pid: string): number[] {
  const stat = textOf(`/proc/${pid}/stat`)
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
}

function numbersIn(directory: string): string[] {
  return orNothing(() => readdirSync(directory), []).filter((name) => /^\d+$/.test(name))
}

function textOf(path: string): string {
  return orNothing(() => readFileSync(path, 'latin1'), '')
}

/** A process may end while its files are read. */
function orNothing<T>(look: () => T, nothing: T): T {
  try {
    return look()
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return nothing
    throw error
  }
}
