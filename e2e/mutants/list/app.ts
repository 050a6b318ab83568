import type { Mutant } from '../mutant.ts'

/** Faults of the app itself. */
export const app: readonly Mutant[] = [
  {
    name: 'admin.sock for the group',
    file: 'services/app/src/listener-plans.ts',
    find: 'const OWNER_ONLY = 0o600',
    replace: 'const OWNER_ONLY = 0o660',
    killers: ['e2e/only-the-owner-reaches-the-admin-socket.test.ts'],
  },
  {
    name: 'faults can always be injected',
    file: 'services/app/src/admin/admin-handler.ts',
    find: 'enabled ? adminRoutes(parts) : refuse',
    replace: 'enabled || true ? adminRoutes(parts) : refuse',
    killers: ['services/app/src/app.test.ts'],
  },
  {
    name: 'a visit is acknowledged before Redis has it',
    file: 'services/app/src/visits/visits.ts',
    find: 'return this.#remember(await this.#run((redis) => redis.incr(KEY)))',
    replace:
      'this.#run((redis) => redis.incr(KEY)).catch(() => 0)\n    return Promise.resolve(this.#guess++)\n  }\n\n  #guess = 1\n\n  get unused(): number {\n    return 0',
    killers: ['e2e/no-acknowledged-visit-is-lost.test.ts'],
  },
  {
    name: 'a visit is counted twice',
    file: 'services/app/src/visits/visits.ts',
    find: 'redis.incr(KEY)',
    replace: 'redis.incrby(KEY, 2)',
    killers: ['e2e/no-acknowledged-visit-is-lost.test.ts'],
  },
  {
    name: 'a lost Redis makes the app unhealthy',
    file: 'services/app/src/api/api-handler.ts',
    find: "response.json({ status: 'healthy' })",
    replace: "response.status(listeners.draining ? 200 : 503).json({ status: 'healthy' })",
    killers: ['services/app/src/app.test.ts'],
  },
  {
    name: 'all sockets are bound at once',
    file: 'services/app/src/listeners.ts',
    find: 'return [...tcp.map((plan) => [plan]), others.slice(0, 1), others.slice(1)]',
    replace: 'return [[...tcp, ...others]]',
    killers: ['e2e/a-second-instance-is-refused.test.ts'],
  },
  {
    name: 'the counter of visits falls while Redis is away',
    file: 'services/app/src/metrics/app-metrics.ts',
    find: 'await visits.total().catch(() => visits.lastTotal)',
    replace: 'await visits.total().catch(() => 0)',
    killers: ['e2e/a-lost-redis-only-degrades.test.ts'],
  },
  {
    name: 'visits do not wait for the first attempt to reach Redis',
    file: 'services/app/src/visits/visits.ts',
    find: 'untilTried(redis).then(() => this.#tried.resolve(redis))',
    replace: 'this.#tried.resolve(redis)',
    killers: ['e2e/a-takeover-fails-no-request.test.ts'],
  },
  {
    name: 'sockets are taken over before there is a port',
    file: 'services/app/src/listeners.ts',
    find: 'return [...tcp.map((plan) => [plan]), others.slice(0, 1), others.slice(1)]',
    replace: 'return [others.slice(0, 1), others.slice(1), ...tcp.map((plan) => [plan])]',
    killers: ['services/app/src/main.test.ts'],
  },
  {
    name: 'silent echo connections make no room',
    file: 'services/app/src/echo/echo-server.ts',
    find: 'if (bySilence.size >= connections) displaceFirst(bySilence)',
    replace: 'if (bySilence.size >= connections) return void socket.destroy()',
    killers: ['services/app/src/half-open-clients.test.ts'],
  },
  {
    name: 'the app logs requests that belong to no trace',
    file: 'services/app/src/request-log.ts',
    find: 'if (trace === null) return next()',
    replace: 'if (trace === null && request.path.length < 0) return next()',
    killers: ['services/app/src/request-log.test.ts'],
  },
  {
    name: 'the app logs any number of traced requests a second',
    file: 'services/app/src/request-log.ts',
    find: 'if (this.#lines > LINES_PER_SECOND) this.#leftOut += 1',
    replace: 'if (this.#lines < 0) this.#leftOut += 1',
    killers: ['services/app/src/request-log.test.ts'],
  },
]
