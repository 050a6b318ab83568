import type { Mutant } from '../mutant.ts'

const PROFILE = 'deploy/seccomp/unix-only.test.ts'

/** The files of deploy, and what our programs say about what those deny. */
export const places: readonly Mutant[] = [
  {
    name: 'the seccomp profile makes IPv4 sockets',
    file: 'deploy/seccomp/unix-only.ts',
    find: 'const AF_UNIX = 1',
    replace: 'const AF_UNIX = 2',
    killers: [PROFILE],
  },
  {
    name: 'the seccomp profile makes pairs of any family',
    file: 'deploy/seccomp/unix-only.ts',
    find: "const MAKE_SOCKETS = ['socket', 'socketpair']",
    replace: "const MAKE_SOCKETS = ['socket']",
    killers: [PROFILE],
  },
  {
    name: 'the seccomp profile allows ptrace',
    file: 'deploy/seccomp/unix-only.ts',
    find: "  'ptrace',\n",
    replace: '',
    killers: [PROFILE],
  },
  {
    name: 'the seccomp profile allows the calls of i386',
    file: 'deploy/seccomp/unix-only.ts',
    find: "['SCMP_ARCH_X86_64', ",
    replace: "['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', ",
    killers: [PROFILE],
  },
  {
    name: 'the seccomp profile keeps what needs a capability',
    file: 'deploy/seccomp/unix-only.ts',
    find: 'if (includes.caps !== undefined) return false',
    replace: 'if (includes.caps === undefined && false) return false',
    killers: [PROFILE],
  },
  {
    name: 'an address family that is denied is explained by nobody when dialling',
    file: 'shared/src/dial/dial-failure.ts',
    find: '  EAFNOSUPPORT: [',
    replace: '  EAFNOSUPPORTED: [',
    killers: ['shared/src/dial/dial.test.ts'],
  },
  {
    name: 'an address family that is denied is explained by nobody when listening',
    file: 'shared/src/listen/listen-failure.ts',
    find: '  EAFNOSUPPORT: [',
    replace: '  EAFNOSUPPORTED: [',
    killers: ['shared/src/listen/listen-failure.test.ts'],
  },
]
