import { isIPv6 } from 'node:net'
import { isAbsolute, normalize } from 'node:path'
import { Failure } from '../failure/failure.ts'

/** Where something listens or is dialled. The same code works with all three kinds. */
export type Endpoint = UnixEndpoint | AbstractEndpoint | TcpEndpoint

/** A socket file. File permissions decide who may connect. */
export interface UnixEndpoint {
  readonly kind: 'unix'
  /** Absolute, at most {@link MAX_PATH_BYTES} bytes. */
  readonly path: string
}

/** A name without a file (Linux, unix(7)). It is unique in its network namespace and has no permissions. */
export interface AbstractEndpoint {
  readonly kind: 'abstract'
  /** Without the leading `@`; at most {@link MAX_PATH_BYTES} bytes with it. */
  readonly name: string
}

export interface TcpEndpoint {
  readonly kind: 'tcp'
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string
  /** 0 to 65535; 0 lets the kernel choose when listening. */
  readonly port: number
}

/**
 * Most bytes of a socket path, without the terminating NUL: `sun_path` has 108 on Linux (unix(7)) and 104 on macOS.
 * Node accepts one byte more on Linux, but other programs cannot dial such a path.
 */
export const MAX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107

/** The text of an endpoint; `parseEndpoint` reads it back as an equal endpoint. */
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

/** The options with which `net.connect` and `server.listen` reach this endpoint. */
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
 * @example
 * parseEndpoint('tcp://[::1]:8080') // { kind: 'tcp', host: '::1', port: 8080 }
 * @throws Failure `bad_endpoint` or `path_too_long`; the message has the text, the hint has the grammar
 */
export function parseEndpoint(text: string): Endpoint {
  if (text.includes('\0')) throw invalid(text, 'it has a NUL byte')
  if (!text.isWellFormed()) throw invalid(text, 'it is not well-formed Unicode')
  if (text.startsWith('unix:')) return parseUnix(text, text.slice('unix:'.length))
  if (text.startsWith('tcp://')) return parseTcp(text, text.slice('tcp://'.length))
  throw invalid(text, 'it begins with neither unix: nor tcp://')
}

function parseUnix(text: string, rest: string): UnixEndpoint | AbstractEndpoint {
  if (rest.startsWith('@')) return parseAbstract(text, rest.slice(1))
  const path = rest.startsWith('//') ? rest.slice(2) : rest
  checkSocketPath(path, text)
  return { kind: 'unix', path }
}

/**
 * Checks that a path can be a socket's: absolute, in its shortest form, not a directory, and short enough.
 * @param text the endpoint as the user wrote it, for the message
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

/** The same link-local address may exist on each interface; the scope names the interface (RFC 4007 section 11). */
function checkIPv6(host: string, text: string): void {
  if (!isIPv6(host)) throw invalid(text, `${host} is not an IPv6 address`)
  const isScoped = host.includes('%')
  const first = Number.parseInt(host, 16) // the first group; NaN when the address begins with `::`
  const isLinkLocal = (first & 0xffc0) === 0xfe80
  if (isLinkLocal && !isScoped)
    throw invalid(text, `${host} is a link-local address without a scope: add one, such as ${host}%eth0`)
  if (!isLinkLocal && isScoped)
    throw invalid(text, `${host} has a scope, which only link-local addresses have`)
}

/**
 * Checks that `path` fits into a socket address of the kernel.
 * @param what names the path in the message, such as `socket path`
 * @throws Failure `path_too_long` for more than {@link MAX_PATH_BYTES} bytes
 */
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
