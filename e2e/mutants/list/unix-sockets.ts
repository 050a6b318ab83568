import type { Mutant } from '../mutant.ts'

const UNIX_LISTENER = 'services/sidecar/src/relay/unix-listener.test.ts'
const CALLERS = 'services/sidecar/test-as-root/callers.test.ts'
const RELOAD = 'services/sidecar/src/sidecar/reload-unix.test.ts'
const SOCKET_ACTIVATION = 'services/sidecar/src/sidecar/socket-activation.test.ts'
const SERVICE_MANAGER = 'services/sidecar/src/sidecar/service-manager.test.ts'
const PARSE_FILE = 'services/sidecar/src/config/parse-file.test.ts'

/** The sidecar on Unix sockets: who calls, whose socket it is, and what systemd passes and is told. */
export const unixSockets: readonly Mutant[] = [
  {
    name: 'all users on a socket share the limits of one',
    file: 'services/sidecar/src/relay/http-route.ts',
    find: 'this.#limits.take(caller.key, ',
    replace: "this.#limits.take('', ",
    killers: [CALLERS],
  },
  {
    name: 'a caller on a socket is never known',
    file: 'services/sidecar/src/relay/caller.ts',
    find: 'const peer = peerOf(client)',
    replace: 'const peer: ReturnType<typeof peerOf> = undefined',
    killers: [UNIX_LISTENER],
  },
  {
    name: 'users make any number of metric series',
    file: 'services/sidecar/src/observe/route-counters.ts',
    find: 'const MAX_UIDS = 32',
    replace: 'const MAX_UIDS = 3_200',
    killers: [UNIX_LISTENER],
  },
  {
    name: 'a user who is not known counts among the others',
    file: 'services/sidecar/src/observe/route-counters.ts',
    find: 'uid === UNKNOWN_UID || this.connectionsByUid.has(uid)',
    replace: 'this.connectionsByUid.has(uid)',
    killers: [UNIX_LISTENER],
  },
  {
    name: 'X-Forwarded-For tells a uid',
    file: 'services/sidecar/src/relay/client-socket.ts',
    find: "?? 'unknown'",
    replace: "?? 'uid 0'",
    killers: [UNIX_LISTENER],
  },
  {
    name: 'sockets are taken over before a port is refused',
    file: 'services/sidecar/src/sidecar/sidecar.ts',
    find: "route.onConflict === 'takeover'",
    replace: "route.onConflict !== 'takeover'",
    killers: [UNIX_LISTENER],
  },
  {
    name: 'a replaced route drains while its old socket still accepts',
    file: 'services/sidecar/src/relay/port.ts',
    find: "listener.once('stopped', () => resolve(true))",
    replace: 'resolve(true)',
    killers: [UNIX_LISTENER],
  },
  {
    name: 'a sidecar without a socket goes on for ever',
    file: 'services/sidecar/src/sidecar/taken-over.ts',
    find: 'gone.length === routes.length',
    replace: 'gone.length > routes.length',
    killers: [UNIX_LISTENER],
  },
  {
    name: 'a reload takes back a socket that another sidecar has taken over',
    file: 'services/sidecar/src/sidecar/sidecar.ts',
    find: 'if (this.#takenOver.has(port)) named.warn(TAKEN_OVER)\n    else if (port',
    replace: 'if (port',
    killers: [UNIX_LISTENER],
  },
  {
    name: 'a reload does not change the rights of a socket',
    file: 'services/sidecar/src/relay/port.ts',
    find: 'if (isDeepStrictEqual(wanted, port.rights)) return',
    replace: 'if (isDeepStrictEqual(wanted, wanted)) return',
    killers: [RELOAD],
  },
  {
    name: 'a refused group leaves other sockets with their new rights',
    file: 'services/sidecar/src/sidecar/sidecar.ts',
    find: 'if (!this.#isDraining) await port.rebind(before)',
    replace: 'if (this.#isDraining) await port.rebind(before)',
    killers: [RELOAD],
  },
  {
    name: 'a refused reload leaves the operations port on the port of a route',
    file: 'services/sidecar/src/sidecar/running-operations.ts',
    find: 'if (taken !== null) return new RunningOperations(asked, access, taken,',
    replace:
      'if (taken !== null) taken.handler = handler\n    if (taken !== null) return new RunningOperations(asked, access, taken,',
    killers: [RELOAD],
  },
  {
    name: 'a reload starts routes although the sidecar ends',
    file: 'services/sidecar/src/sidecar/sidecar.ts',
    find: 'if (this.#isDraining) throw shuttingDown() // a signal came in the meantime\n    ',
    replace: '',
    killers: [RELOAD],
  },
  {
    name: 'a socket of systemd may be more open than its route',
    file: 'services/sidecar/src/sidecar/inherited-sockets.ts',
    find: 'if ((actual & ~mode) === 0) return',
    replace: 'if ((actual & ~mode) >= 0) return',
    killers: [SOCKET_ACTIVATION],
  },
  {
    name: 'the mode of a foreign socket is read before its address',
    file: 'services/sidecar/src/sidecar/inherited-sockets.ts',
    find: '    await refuseOther(name, fd, listen)\n',
    replace: '',
    killers: [SOCKET_ACTIVATION],
  },
  {
    name: 'a socket of systemd without a route is ignored',
    file: 'services/sidecar/src/sidecar/inherited-sockets.ts',
    find: 'if (unknown.length === 0) return',
    replace: 'if (unknown.length >= 0) return',
    killers: [SOCKET_ACTIVATION],
  },
  {
    name: 'a reload rebinds a socket of systemd',
    file: 'services/sidecar/src/sidecar/sidecar.ts',
    find: 'else if (port.isInherited)',
    replace: 'else if (port.isInherited && this.#isDraining)',
    killers: [SOCKET_ACTIVATION],
  },
  {
    name: 'a service that stops is ready again',
    file: 'services/sidecar/src/sidecar/reload-on-hangup.ts',
    find: "if (!stop.aborted) await notify('ready', options)",
    replace: "await notify('ready', options)",
    killers: [SERVICE_MANAGER],
  },
  {
    name: 'a reload has no time of CLOCK_MONOTONIC',
    file: 'shared/src/lifecycle/notify.ts',
    find: 'process.hrtime.bigint() / NANOSECONDS_PER_MICROSECOND',
    replace: 'Date.now() * 1_000',
    killers: [SERVICE_MANAGER],
  },
  {
    name: 'one path in two spellings passes for two',
    file: 'services/sidecar/src/config/conflicts.ts',
    find: "value.replace(/^unix:\\/\\/\\//, 'unix:/')",
    replace: 'value',
    killers: [PARSE_FILE],
  },
  {
    name: 'a route without a socket file may have a mode',
    file: 'services/sidecar/src/config/conflicts.ts',
    find: "if (typeof listen !== 'string' ||",
    replace: "if (typeof listen === 'string' ||",
    killers: [PARSE_FILE],
  },
  {
    name: 'a passed socket accepts to the last moment',
    file: 'shared/src/listen/listener.ts',
    find: '    if (this.#parts.isPassed) await this.#graceForRequests() // not while it accepts: there is always a last one\n',
    replace: '',
    killers: ['shared/src/listen/listener.drain.test.ts'],
  },
]
