import type { Mutant } from '../mutant.ts'

const HISTORY = 'services/sidecar/src/observe/history.test.ts'
const PAGE = 'services/sidecar/src/observe/landing-page.test.ts'
const RELOADS = 'services/sidecar/src/observe/reloads.test.ts'

const HISTORY_TS = 'services/sidecar/src/observe/history.ts'
const EVENTS_TS = 'services/sidecar/src/observe/recent-events.ts'

/** What an operator sees on the page of the operations port. */
export const page: readonly Mutant[] = [
  {
    name: 'page: the history of a route grows without end',
    file: HISTORY_TS,
    find: 'if (history.intervals.length > INTERVALS_KEPT) history.intervals.shift()',
    replace: '',
    killers: [HISTORY],
  },
  {
    name: 'page: an interval has all requests since the start',
    file: HISTORY_TS,
    find: 'requests: now.requests - before.requests',
    replace: 'requests: now.requests',
    killers: [HISTORY],
  },
  {
    name: 'page: connections of an HTTP route are taken for requests',
    file: HISTORY_TS,
    find: "route.kind === 'stream' ? connectionsTotal",
    replace: "route.kind !== 'connect' ? connectionsTotal",
    killers: [HISTORY],
  },
  {
    name: 'page: what was refused counts as failed',
    file: HISTORY_TS,
    find: 'return { failed: sum(failed), refused: sum(refused) }',
    replace: 'return { failed: sum(failed) + sum(refused), refused: 0 }',
    killers: [HISTORY],
  },
  {
    name: 'page: a quantile is the bound of its bucket',
    file: HISTORY_TS,
    find: 'return lower + ((upper - lower) * left) / count',
    replace: 'return upper',
    killers: [HISTORY],
  },
  {
    name: 'page: refused requests push out what the upstream did',
    file: EVENTS_TS,
    find: 'const kept = isUpstream ? this.failed : this.refused',
    replace: 'const kept = isUpstream ? this.failed : this.failed',
    killers: [HISTORY, PAGE],
  },
  {
    name: 'page: the last failures are kept without a bound',
    file: EVENTS_TS,
    find: 'if (kept.length > FAILURES_KEPT) kept.shift()',
    replace: '',
    killers: [HISTORY, PAGE],
  },
  {
    name: 'page: a text of a client is kept whole',
    file: EVENTS_TS,
    find: 'text.length > DETAIL_CHARACTERS',
    replace: 'text.length < 0',
    killers: [PAGE],
  },
  {
    name: 'page: texts are not escaped',
    file: 'services/sidecar/src/observe/page-html.ts',
    find: 'ENTITIES[character] ?? character',
    replace: 'character',
    killers: [PAGE],
  },
  {
    name: 'page: a browser may load anything for it',
    file: 'services/sidecar/src/observe/pages.ts',
    find: "'content-security-policy': contentSecurityPolicy(),",
    replace: '',
    killers: [PAGE],
  },
  {
    name: 'page: a new socket is not marked',
    file: 'services/sidecar/src/upstream/upstream.ts',
    find: "if (isNew) this.onChanged('new socket'",
    replace: "if (isNew && false) this.onChanged('new socket'",
    killers: [PAGE],
  },
  {
    name: 'page: a state is marked at each attempt',
    file: 'services/sidecar/src/upstream/upstream.ts',
    find: '    if (this.#state.up === up) return\n',
    replace: '',
    killers: [PAGE],
  },
  {
    name: 'page: a reload is not marked',
    file: 'services/sidecar/src/sidecar/sidecar.ts',
    find: "counters.recent.changed('reload')",
    replace: 'void counters',
    killers: [PAGE],
  },
  {
    name: 'page: a reload says nothing of settings that are gone',
    file: 'services/sidecar/src/observe/reloads.ts',
    find: 'current.has(name) ? []',
    replace: 'current.has(name) || true ? []',
    killers: [RELOADS],
  },
]
