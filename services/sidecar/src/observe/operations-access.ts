import type { IncomingMessage } from 'node:http'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { OperationsAccess } from '../config/config.ts'
import { type Admission, Guard } from '../identity/guard.ts'
import type { Identities } from '../identity/identities.ts'
import { Hosts } from '../policy/hosts.ts'
import type { Caller } from '../relay/caller.ts'
import { wrongHost } from '../relay/request-judge.ts'

/** Pages for probes, which cannot tell who they are. */
const PROBES: ReadonlySet<string> = new Set(['/-/healthy', '/-/ready'])
const NOBODY: readonly string[] = []

export interface OperationsAccessParts {
  readonly listen: Endpoint
  readonly access: OperationsAccess
  readonly identities: Identities
}

/** Who may see which page of the operations port, and under which host names. */
export class OperationsJudge {
  readonly #names: readonly string[]
  /** Null: every name is served. A browser does not reach a Unix socket. */
  readonly #hosts: Hosts | null
  readonly #guard: Guard

  constructor({ listen, access, identities }: OperationsAccessParts) {
    this.#names = access.for ?? NOBODY
    this.#hosts = listen.kind === 'unix' && access.hosts.length === 0 ? null : new Hosts(access.hosts)
    this.#guard = new Guard('ops', access.clients, identities)
  }

  /** @returns who asks, and whether for all there is to see; null where nobody is asked. */
  async judge(request: IncomingMessage, caller: Caller): Promise<Admission | null> {
    const fault = faultOf(request)
    if (fault !== null) return { failure: fault, user: null }
    const { authority, path } = targetOf(request)
    if (this.#hosts !== null && !this.#hosts.serve(authority)) return { failure: wrongHost(), user: null }
    if (this.#guard.isOpen) return null
    const admission = await this.#guard.admit(this.#names, caller, request.headers.authorization ?? null)
    return 'failure' in admission && PROBES.has(path) ? { user: null, withholds: true } : admission
  }
}

/** What a request to the operations port is for. */
export interface Target {
  readonly authority: string
  readonly path: string
  /** Without the `?`; empty where there is none. */
  readonly query: string
}

/** What is asked for, and of whom: an absolute URL counts instead of `Host` (RFC 9112 section 3.2.2). */
export function targetOf({ url = '/', headers }: IncomingMessage): Target {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url)
  const [, authority = headers.host ?? '', rest = url] = absolute ?? []
  const [path = '', ...query] = rest.split('?')
  return { authority, path: path || '/', query: query.join('?') }
}

/** Node takes the first of several fields; a server in front of this one may take the last. */
function faultOf({ rawHeaders }: IncomingMessage): Failure | null {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  for (const name of ['authorization', 'host'])
    if (names.indexOf(name) !== names.lastIndexOf(name))
      return new Failure('bad_request', {
        message: `the request has ${name === 'host' ? 'Host' : 'Authorization'} more than once`,
        hint: 'correct the client; a request that can be read in two ways is refused (RFC 9112)',
      })
  return null
}
