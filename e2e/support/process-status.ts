import type { ContainerHandle } from './container-handle.ts'

const CAPABILITY_SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'] as const
const SECCOMP_FILTER = '2'

/** What the kernel says of a container's first process, from which the others inherit (proc_pid_status(5)). */
export async function processStatus(service: ContainerHandle) {
  const fields = fieldsOf(await service.read('/proc/1/status'))
  const numbers = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter(Boolean).map(Number)
  return {
    uids: numbers('Uid'),
    gids: numbers('Gid'),
    groups: numbers('Groups').sort((a, b) => a - b),
    capabilities: CAPABILITY_SETS.map((set) => `${set} ${fields.get(set)}`),
    noNewPrivileges: fields.get('NoNewPrivs') === '1',
    seccompFilter: fields.get('Seccomp') === SECCOMP_FILTER,
  }
}

function fieldsOf(status: string): Map<string, string> {
  const lines = status.trim().split('\n')
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )
}
