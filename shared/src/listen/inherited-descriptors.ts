import { Failure } from '../failure/failure.ts'

/** SD_LISTEN_FDS_START: 0 to 2 are stdin, stdout and stderr. */
const FIRST_DESCRIPTOR = 3

/**
 * The listening sockets that systemd, or whoever speaks its protocol, passed to this process: name
 * (`FileDescriptorName=`) → descriptor, for `listen`'s option `fd`. Without LISTEN_FDNAMES the name is the descriptor
 * itself, such as `3`. Empty if nothing was passed, or it was passed to another process (LISTEN_PID): behind a shell
 * or an init, our pid is not the one that systemd started. The rules are those of sd_listen_fds(3).
 * @throws Failure `bad_config` for what those rules do not allow, or two descriptors of one name
 */
export function inheritedDescriptors(
  env: NodeJS.ProcessEnv,
  pid: number = process.pid,
): ReadonlyMap<string, number> {
  const { LISTEN_PID: forPid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = env
  if (forPid === undefined || count === undefined) return new Map()
  if (wholeNumber('LISTEN_PID', forPid) !== pid) return new Map()
  return nameDescriptors(wholeNumber('LISTEN_FDS', count), names?.split(':'))
}

function nameDescriptors(count: number, names: readonly string[] | undefined): Map<string, number> {
  const descriptors = Array.from({ length: count }, (_, index) => FIRST_DESCRIPTOR + index)
  if (names !== undefined && names.length !== count)
    throw invalid('LISTEN_FDNAMES', names.join(':'), `${count} names between colons, as many as LISTEN_FDS`)
  const named = new Map(descriptors.map((fd, index) => [names?.[index] ?? String(fd), fd]))
  if (named.size < count)
    throw invalid(
      'LISTEN_FDNAMES',
      String(names?.join(':')),
      'a name of its own for each socket (FileDescriptorName=)',
    )
  return named
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw invalid(name, text, 'a whole number')
  return Number(text)
}

function invalid(name: string, text: string, allowed: string): Failure {
  return new Failure('bad_config', {
    message: `${name} is ${JSON.stringify(text)} and may be ${allowed}`,
    hint: 'start this program from a systemd socket unit, or unset the variable',
  })
}
