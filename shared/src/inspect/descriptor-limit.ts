import { readFileSync } from 'node:fs'

/**
 * How many descriptors this process may have open: its soft RLIMIT_NOFILE, which Node raises to the hard one when it
 * starts (getrlimit(2)). Infinity where there is none, null where the system does not say.
 * @param limits the text of `/proc/self/limits` (proc_pid_limits(5)); throws where there is no /proc.
 */
export function descriptorLimit(limits = () => readFileSync('/proc/self/limits', 'utf8')): number | null {
  try {
    return limitOf(/^Max open files\s+(?<soft>\S+)/m.exec(limits())?.groups?.soft)
  } catch {
    return reportedLimit() // no /proc
  }
}

/** Not among the types of Node. */
const EXCLUDE_NETWORK = 'excludeNetwork'

/** From the diagnostic report, which asks the system itself, and takes 3 ms. */
function reportedLimit(): number | null {
  const { report } = process
  const before: unknown = Reflect.get(report, EXCLUDE_NETWORK)
  try {
    Reflect.set(report, EXCLUDE_NETWORK, true) // looking up the names of peers takes long
    const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } }
    return limitOf(userLimits?.open_files?.soft)
  } catch {
    return null // a limit that is not known is none to go by
  } finally {
    Reflect.set(report, EXCLUDE_NETWORK, before)
  }
}

function limitOf(soft: number | string | undefined): number | null {
  if (soft === 'unlimited') return Number.POSITIVE_INFINITY
  const limit = Number(soft)
  return soft !== undefined && Number.isInteger(limit) && limit > 0 ? limit : null
}
