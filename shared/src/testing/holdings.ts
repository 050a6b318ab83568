import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Holdings {
  readonly descriptors: number
  /** Directories that inotify(7) watches for this process. */
  readonly watches: number
  /** What keeps the event loop alive, such as timers and sockets. */
  readonly resources: Record<string, number>
}

/** What this process holds at the moment, to compare before with after. Linux only. */
export function holdings(): Holdings {
  const links = descriptorLinks()
  const inotify = links.filter(([, target]) => target === 'anon_inode:inotify')
  return {
    descriptors: links.length,
    watches: inotify.reduce((sum, [fd]) => sum + watchesOf(fd), 0),
    resources: count(process.getActiveResourcesInfo()),
  }
}

function count(names: string[]): Record<string, number> {
  const groups = Object.entries(Object.groupBy(names, (name) => name))
  return Object.fromEntries(groups.map(([name, all = []]) => [name, all.length]))
}

function descriptorLinks(): [fd: string, target: string][] {
  const links: [string, string][] = []
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      links.push([fd, readlinkSync(`/proc/self/fd/${fd}`)])
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // the one that readdir had open
    }
  }
  return links
}

function watchesOf(fd: string): number {
  return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify wd:/gm)?.length ?? 0
}
