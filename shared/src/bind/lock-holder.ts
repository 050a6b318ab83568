import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { errnoOf } from '../failure/failure.ts'
import { shellCommand } from '../text/shell-word.ts'
import { visible } from '../text/visible.ts'

/** A process that holds a lock, as far as this one may see. */
export interface LockHolder {
  readonly pid: number
  /** The name of its main thread (proc_pid_comm(5)). */
  readonly name: string
  /** Stopped by a signal or a debugger: it does nothing, and keeps its lock. */
  readonly stopped: boolean
}

/** Bounds the search on a machine with very many open files. */
const MAX_DESCRIPTORS = 50_000

/**
 * Which process holds the flock(2) of the file at `path`. Linux says so for each open file (proc_pid_fdinfo(5));
 * /proc/locks names only the process that took the lock, which may be a flock(1) that has ended.
 * @returns undefined where none is seen: one in another container, one of another user, or no /proc
 */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  const file = await orUndefined(stat(path))
  const pids = ((await orUndefined(readdir('/proc'))) ?? []).filter((name) => /^\d+$/.test(name))
  let seen = 0
  for (const pid of file === undefined ? [] : pids) {
    const descriptors = (await orUndefined(readdir(`/proc/${pid}/fd`))) ?? []
    seen += descriptors.length
    if (seen > MAX_DESCRIPTORS) return undefined
    for (const fd of descriptors) {
      const target = await orUndefined(readlink(`/proc/${pid}/fd/${fd}`))
      if (target === undefined || basename(target) !== basename(path)) continue
      const opened = await orUndefined(stat(`/proc/${pid}/fd/${fd}`))
      if (opened?.ino !== file?.ino || opened?.dev !== file?.dev) continue
      const info = (await orUndefined(readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))) ?? ''
      if (/^lock:.* FLOCK .* WRITE /m.test(info)) return await describeProcess(Number(pid))
    }
  }
  return undefined
}

/** Names the process that holds the lock file at `path`, and says how to make it let go. */
export function describeHolder(holder: LockHolder | undefined, path: string): { who: string; hint: string } {
  if (holder === undefined)
    return {
      who: 'a process that cannot be seen from here (in another container, or of another user)',
      hint: `${shellCommand('fuser', '-v', path)}, as root on the host of that process, names it; continue it if it is stopped or paused, or end it`,
    }
  const { pid, name, stopped } = holder
  return {
    who: `process ${pid} (${visible(name)})${stopped ? ', which is stopped' : ''}`,
    hint: stopped
      ? `continue it (kill -CONT ${pid}), or end it`
      : `stop it first (kill ${pid}), or start both with onConflict takeover`,
  }
}

async function describeProcess(pid: number): Promise<LockHolder> {
  const text = (await orUndefined(readFile(`/proc/${pid}/stat`, 'utf8'))) ?? ''
  const { name = 'unknown', state = '' } = /^\d+ \((?<name>.*)\) (?<state>\S)/s.exec(text)?.groups ?? {}
  return { pid, name: name.replace(/-MainThread$/, ''), stopped: state === 'T' || state === 't' }
}

/** A process or descriptor that is gone, or that we may not look at, counts as not seen. */
async function orUndefined<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}
