import type { Mutant } from '../mutant.ts'

const DIAL_FAILURE = 'shared/src/dial/dial-failure.ts'

/** Faults in how a socket that does not respond is explained. */
export const dialling: readonly Mutant[] = [
  {
    name: 'a full backlog is called stale',
    file: DIAL_FAILURE,
    find: "    'backlog_full',",
    replace: "    'socket_stale',",
    killers: ['docs/failure-modes.test.ts'],
  },
  {
    name: 'a regular file is called stale',
    file: DIAL_FAILURE,
    find: "return kind === 'socket' ? undefined : kind",
    replace: 'return void kind',
    killers: ['shared/src/dial/dial.test.ts'],
  },
  {
    name: 'wrong status for a stale socket',
    file: 'shared/src/failure/failures.ts',
    find: 'socket_stale: failureRow(503,',
    replace: 'socket_stale: failureRow(502,',
    killers: ['docs/failure-modes.test.ts', 'e2e/sigkill-leaves-a-stale-socket.test.ts'],
  },
  {
    name: 'no Retry-After',
    file: 'services/sidecar/src/relay/problem-response.ts',
    find: 'if (status === 503) return RETRY_AFTER_SECONDS',
    replace: '',
    killers: ['e2e/a-full-backlog-fails-at-once.test.ts'],
  },
  {
    name: 'another socket is not counted as one',
    file: 'services/sidecar/src/upstream/upstream.ts',
    find: 'generation: this.#state.generation + (isNew ? 1 : 0)',
    replace: 'generation: 1',
    killers: ['e2e/sigkill-leaves-a-stale-socket.test.ts'],
  },
  {
    name: 'a dial whose time passes while the process does not run fails',
    file: 'shared/src/dial/dial.ts',
    find: 'setImmediate(() => reject(timedOut(endpoint, socket, timeoutMs)))',
    replace: 'reject(timedOut(endpoint, socket, timeoutMs))',
    killers: ['shared/src/dial/dial.test.ts'],
  },
]
