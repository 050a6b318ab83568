import { isIPv4, isIPv6 } from 'node:net'

/** One entry of `hosts`: a name, in lower case, or `*.` and a name for all with one more label. */
export const HOST_PATTERN = /^(\*\.)?[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/
export const HOSTS =
  'may be a list of host names in lower case, without port, such as [sidecar, ops.example.org, "*.example.org"]'

/**
 * The host names that a listener serves. A browser can be made to send a request to any address under any name (DNS
 * rebinding), but it then sends that name, and never an IP address or `localhost` in its place.
 */
export class Hosts {
  readonly #names: ReadonlySet<string>
  /** What follows the first label. */
  readonly #parents: ReadonlySet<string>

  constructor(names: readonly string[]) {
    this.#names = new Set(names.filter((name) => !name.startsWith('*.')))
    this.#parents = new Set(names.filter((name) => name.startsWith('*.')).map((name) => name.slice(1)))
  }

  /** @param authority the value of `Host`, or the authority of an absolute URL; its port does not count. */
  serve(authority: string): boolean {
    const host = authority.replace(/:\d*$/, '').toLowerCase()
    if (host.startsWith('[')) return host.endsWith(']') && isIPv6(host.slice(1, -1))
    const name = host.endsWith('.') ? host.slice(0, -1) : host
    if (isIPv4(name) || name === 'localhost' || this.#names.has(name)) return true
    const dot = name.indexOf('.')
    return dot > 0 && this.#parents.has(name.slice(dot))
  }
}
