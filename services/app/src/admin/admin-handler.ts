import type { Server, Socket } from 'node:net'
import { type Peer, peerOf } from '@uds-sidecar/shared/kernel/peer'
import { LOG_LEVELS, type Logger } from '@uds-sidecar/shared/lifecycle/log'
import express, { type Express, type Request, type RequestHandler, Router } from 'express'
import { notFound, sendProblem } from '../api/problems.ts'
import { AppFailure } from '../failures.ts'
import type { Faults } from './faults.ts'

const MAX_DELAY_MS = 60_000

export interface AdminParts {
  /** Whether the routes are served (APP_CHAOS=on). If not, every request gets 403 `feature_off`. */
  readonly enabled: boolean
  readonly faults: Faults
  readonly log: Logger
  readonly callers: Callers
}

/** Who calls: uid and gid as the kernel says; the pid is only a hint. */
type Caller = Pick<Peer, 'uid' | 'gid' | 'pid'> | 'unknown caller'

/** Knows who opened each connection, for the log. */
export class Callers {
  readonly #peers = new WeakMap<Socket, Peer>()

  /** Asks the kernel at each new connection of `server`, while its socket is certainly open. */
  watch(server: Server): Server {
    return server.on('connection', (socket) => {
      const peer = peerOf(socket)
      if (peer !== undefined) this.#peers.set(socket, peer)
    })
  }

  of(request: Request): Caller {
    const peer = this.#peers.get(request.socket)
    return peer === undefined ? 'unknown caller' : { uid: peer.uid, gid: peer.gid, pid: peer.pid }
  }
}

/** The routes for the owner of the process only: fault injection and log level. */
export function adminHandler({ enabled, ...parts }: AdminParts): Express {
  const app = express().disable('x-powered-by')
  app.use(enabled ? adminRoutes(parts) : refuse)
  return app.use(notFound).use(sendProblem(parts.log))
}

function adminRoutes({ faults, log, callers }: Omit<AdminParts, 'enabled'>): Router {
  return Router()
    .post('/chaos/delay', (request, response) => {
      faults.delayMs = delayOf(request)
      log.warn({ delayMs: faults.delayMs, caller: callers.of(request) }, 'fault injected: delay')
      response.status(204).end()
    })
    .post('/chaos/hang', (request, response) => {
      faults.hanging = oneOf(request, 'on', ['true', 'false'] as const, 'true') === 'true'
      log.warn({ hanging: faults.hanging, caller: callers.of(request) }, 'fault injected: hang')
      response.status(204).end()
    })
    .post('/chaos/crash', (request) => {
      log.warn({ caller: callers.of(request) }, 'fault injected: crash')
      faults.crash()
    })
    .put('/log-level', (request, response) => {
      const level = oneOf(request, 'level', LOG_LEVELS)
      log.warn({ from: log.level, to: level, caller: callers.of(request) }, 'log level changed')
      log.level = level
      response.status(204).end()
    })
}

const refuse: RequestHandler = () => {
  throw new AppFailure('feature_off', {
    message: 'fault injection and log level are switched off',
    hint: 'start the app with APP_CHAOS=on',
  })
}

function delayOf(request: Request): number {
  const text = String(request.query.ms)
  const ms = Number(text)
  if (/^\d+$/.test(text) && ms <= MAX_DELAY_MS) return ms
  throw badQuery('ms', text, `a whole number from 0 to ${MAX_DELAY_MS}`)
}

function oneOf<const T extends string>(
  request: Request,
  name: string,
  values: readonly T[],
  standard?: T,
): T {
  const given = request.query[name] ?? standard
  const value = values.find((candidate) => candidate === given)
  if (value !== undefined) return value
  throw badQuery(name, String(given), values.join(', '))
}

function badQuery(name: string, value: string, allowed: string): AppFailure {
  return new AppFailure('bad_request', {
    message: `query parameter ${name} is ${JSON.stringify(value.slice(0, 100))}`,
    hint: `${name} may be ${allowed}`,
  })
}
