import { isIPv6 } from 'node:net'
import { isAbsolute, normalize } from 'node:path'
import { Failure } from '../failure/failure.ts'

/** A place to listen on or to dial: the same code works with all three. */
export type Endpoint = UnixEndpoint | AbstractEndpoint | TcpEndpoint

/** A socket file; file permissions say who may connect. */
export interface UnixEndpoint {
  readonly kind: 'unix'
  /** Absolute, at most {@link MAX_PATH_BYTES} bytes. */
  readonly path: string
}

/** A name without a file (Linux, unix(7)): one per network namespace, no permissions. */
export interface AbstractEndpoint {
  readonly kind: 'abstract'
  readonly name: string
}

export interface TcpEndpoint {
  readonly kind: 'tcp'
  readonly host: string
  /** 0 to 65535; 0 lets the kernel choose when listening. */
  readonly port: number
}

/**
 * Bytes of a socket path, without the terminating NUL: `sun_path` has 108 on Linux (unix(7)) and 104 on macOS.
 * Node itself accepts one more on Linux, which other programs then cannot dial.
 */
export const MAX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107

/** The text that `parseEndpoint` reads back as the same endpoint. */
export function formatEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'unix':
      return `unix:${endpoint.path}`
    case 'abstract':
      return `unix:@${endpoint.name}`
    case 'tcp':
      return endpoint.host.includes(':')
        ? `tcp://[${endpoint.host}]:${endpoint.port}`
        : `tcp://${endpoint.host}:${endpoint.port}`
  }
}

/** What `net.connect` and `server.listen` take for this endpoint. */
export function nodeAddress(endpoint: Endpoint): { path: string } | { host: string; port: number } {
  switch (endpoint.kind) {
    case 'unix':
      return { path: endpoint.path }
    case 'abstract':
      return { path: `\0${endpoint.name}` }
    case 'tcp':
      return { host: endpoint.host, port: endpoint.port }
  }
}

const GRAMMAR = 'write unix:/absolute/path, unix:@name or tcp://host:port'

/**
 * Reads `unix:/abs/path`, `unix:///abs/path`, `unix:@name` or `tcp://host:port`.
 * @throws Failure `bad_endpoint` or `path_too_long`, naming the text and what it may be.
 */
export function parseEndpoint(text: string): Endpoint {
  if (text.includes('\0')) throw invalid(text, 'it has a NUL byte')
  if (!text.isWellFormed()) throw invalid(text, 'it is not well-formed Unicode')
  if (text.startsWith('unix:')) return parseUnix(text, text.slice('unix:'.length))
  if (text.startsWith('tcp://')) return parseTcp(text, text.slice('tcp://'.length))
  throw invalid(text, 'it has no scheme that is known here')
}

function parseUnix(text: string, rest: string): UnixEndpoint | AbstractEndpoint {
  if (rest.startsWith('@')) return parseAbstract(text, rest.slice(1))
  const path = rest.startsWith('//') ? rest.slice(2) : rest
  checkSocketPath(path, text)
  return { kind: 'unix', path }
}

/**
 * @param text what the path was written as, for the message
 * @throws Failure `bad_endpoint` or `path_too_long`
 */
export function checkSocketPath(path: string, text = `unix:${path}`): void {
  if (path.includes('\0')) throw invalid(text, 'it has a NUL byte')
  if (!isAbsolute(path)) throw invalid(text, 'its path is not absolute')
  if (path.endsWith('/')) throw invalid(text, 'its path names a directory')
  if (normalize(path) !== path)
    throw invalid(text, `its path is not in its shortest form, ${normalize(path)}`)
  checkBytes(path, 'socket path')
}

function parseAbstract(text: string, name: string): AbstractEndpoint {
  if (name === '') throw invalid(text, 'its abstract name is empty')
  checkBytes(`@${name}`, 'abstract name')
  return { kind: 'abstract', name }
}

function parseTcp(text: string, rest: string): TcpEndpoint {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(?<name>[^\s:/?#[\]@]+)):(?<port>\d{1,5})$/.exec(
    rest,
  )
  const host = match?.groups?.v6 ?? match?.groups?.name
  if (match === null || host === undefined) throw invalid(text, 'it is not host:port')
  if (match.groups?.v6 !== undefined) checkIPv6(host, text)
  const port = Number(match.groups?.port)
  if (port > 65_535) throw invalid(text, `port ${port} is over 65535`)
  return { kind: 'tcp', host, port }
}

/** A link-local address is one of each interface; the scope says of which (RFC 4007 section 11). */
function checkIPv6(host: string, text: string): void {
  if (!isIPv6(host)) throw invalid(text, `${host} is no IPv6 address`)
  const isScoped = host.includes('%')
  const first = Number.parseInt(host, 16) // of eight groups; none before `::`
  const isLinkLocal = (first & 0xffc0) === 0xfe80
  if (isLinkLocal && !isScoped)
    throw invalid(text, `${host} is a link-local address without a scope: add one, such as ${host}%eth0`)
  if (!isLinkLocal && isScoped)
    throw invalid(text, `${host} has a scope, which only link-local addresses have`)
}

/** @throws Failure `path_too_long` when `path` has more bytes than the kernel's address holds. */
export function checkBytes(path: string, what: string): void {
  const bytes = Buffer.byteLength(path)
  if (bytes <= MAX_PATH_BYTES) return
  throw new Failure('path_too_long', {
    message: `${what} ${path} has ${bytes} bytes and may have ${MAX_PATH_BYTES}`,
    hint: 'use a shorter directory, such as /run/app; bytes count, not characters',
    errno: 'ENAMETOOLONG',
  })
}

function invalid(text: string, reason: string): Failure {
  return new Failure('bad_endpoint', {
    message: `endpoint ${JSON.stringify(text)} is not valid: ${reason}`,
    hint: GRAMMAR,
  })
}
