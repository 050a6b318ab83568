import type { Mutant } from '../mutant.ts'

const MANIFESTS = 'deploy/kubernetes/manifests.test.ts'
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
    name: 'Redis has no seccomp profile of ours',
    file: 'deploy/seccomp/compose.yaml',
    find: '  redis: *unix-only\n',
    replace: '',
    killers: ['e2e/a-seccomp-profile-makes-no-socket-but-unix.test.ts'],
  },
  {
    name: 'the seccomp profile allows io_uring',
    file: 'deploy/seccomp/unix-only.json',
    find: '"accept",',
    replace: '"accept", "io_uring_setup", "io_uring_enter", "io_uring_register",',
    killers: [PROFILE, 'e2e/a-seccomp-profile-makes-no-socket-but-unix.test.ts'],
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
  {
    name: 'the doctor takes the first of several offsets for that of the engine',
    file: 'shared/src/inspect/user-namespace.ts',
    find: 'if (range === undefined || others.length > 0) return undefined',
    replace: 'if (range === undefined) return undefined',
    killers: ['shared/src/inspect/user-namespace.test.ts'],
  },
  {
    name: 'a server below an engine that remaps ids is told the uid inside',
    file: 'shared/src/bind/directory.ts',
    find: 'uid + (remapped?.uid ?? 0)',
    replace: 'uid',
    killers: ['shared/src/bind/directory.test.ts'],
  },
  {
    name: 'the doctor does not say by how much ids are remapped',
    file: 'services/client/src/doctor/findings/file-findings.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
    find: 'uid=UID+${each.by.uid}',
    replace: 'uid=UID',
    killers: ['services/client/src/doctor/doctor-path.test.ts'],
  },
  {
    name: 'the sidecar may write to the directory of the API in the pod',
    file: 'deploy/kubernetes/base/deployment.yaml',
    find: '{ name: api-socket, mountPath: /run/app/api, subPath: d, readOnly: true }',
    replace: '{ name: api-socket, mountPath: /run/app/api, subPath: d }',
    killers: [MANIFESTS],
  },
  {
    name: 'the pod gives a group to all of its containers',
    file: 'deploy/kubernetes/base/deployment.yaml',
    find: '        runAsNonRoot: true\n',
    replace: '        runAsNonRoot: true\n        fsGroup: 10200\n',
    killers: [MANIFESTS],
  },
  {
    name: 'the directory of the app belongs to a group that is not its consumer',
    file: 'deploy/kubernetes/base/deployment.yaml',
    find: 'runAsGroup: 10002 # who may connect: the sidecar',
    replace: 'runAsGroup: 10001 # who may connect: the sidecar',
    killers: [MANIFESTS],
  },
  {
    name: 'a manifest has a field that its kind does not know',
    file: 'deploy/kubernetes/base/deployment.yaml',
    find: '          lifecycle:\n            preStop:',
    replace: '          lifecycle:\n            preStopp:',
    killers: [MANIFESTS],
  },
  {
    name: 'the PodMonitor has a field that its kind does not know',
    file: 'deploy/kubernetes/overlays/production/podmonitor.yaml',
    find: 'podMetricsEndpoints:',
    replace: 'podMetricsEndpoint:',
    killers: [MANIFESTS],
  },
  {
    name: 'the strict check does not fail',
    file: 'deploy/kubernetes/check/strict.ts',
    find: 'if (status === 0) return []',
    replace: 'if (status !== null) return []',
    killers: [MANIFESTS],
  },
  {
    name: 'the check of the restricted standard takes any capability',
    file: 'deploy/kubernetes/check/restricted.ts',
    find: "add.some((name) => name !== 'NET_BIND_SERVICE')",
    replace: "add.some((name) => name === 'ALL')",
    killers: [MANIFESTS],
  },
  {
    name: 'the check of the restricted standard takes any volume',
    file: 'deploy/kubernetes/check/restricted.ts',
    find: "key !== 'name' && !VOLUMES.includes(key)",
    replace: "key === 'gitRepo'",
    killers: [MANIFESTS],
  },
]
