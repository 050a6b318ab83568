import { readFileSync } from 'node:fs'

/**
 * How many descriptors this process may have open: its soft RLIMIT_NOFILE, which Node raises to the hard limit when it
 * starts (getrlimit(2)). Never throws.
 * @param limits reads the text of `/proc/self/limits` (proc_pid_limits(5)); may throw, as it does without /proc
 * @returns Infinity where there is no limit, null where the limit is unknown
 */
export function descriptorLimit(limits = () => readFileSync('/proc/self/limits', 'utf8')): number | null {
  try {
    return limitOf(/^Max open files\s+(?<soft>\S+)/m.exec(limits())?.groups?.soft)
  } catch {
    return reportedLimit() // no /proc
  }
}

/** An option of `process.report` that Node's types do not have. */
const EXCLUDE_NETWORK = 'excludeNetwork'

/** The limit in Node's diagnostic report, which does not need /proc. Takes 3 ms. */
function reportedLimit(): number | null {
  const { report } = process
  const before: unknown = Reflect.get(report, EXCLUDE_NETWORK)
  try {
    Reflect.set(report, EXCLUDE_NETWORK, true) // resolving the names of peers is slow
    const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } }
    return limitOf(userLimits?.open_files?.soft)
  } catch {
    return null // unknown
  } finally {
    Reflect.set(report, EXCLUDE_NETWORK, before)
  }
}

function limitOf(soft: number | string | undefined): number | null {
  if (soft === 'unlimited') return Number.POSITIVE_INFINITY
  const limit = Number(soft)
  return soft !== undefined && Number.isInteger(limit) && limit > 0 ? limit : null
}
