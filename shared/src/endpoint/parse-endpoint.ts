import { isIPv6 } from 'node:net'
import { isAbsolute, normalize } from 'node:path'
import { Failure } from '../failure/failure.ts'
import {
  type AbstractEndpoint,
  type Endpoint,
  MAX_PATH_BYTES,
  type TcpEndpoint,
  type UnixEndpoint,
} from './endpoint.ts'

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
