import { FIELD } from './field-names.ts'
import type { RequestHead } from './request-head.ts'
import type { ResponseHead } from './response-head.ts'

/** RFC 6455 section 1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** Settings of 6 bytes each, in base64url (RFC 7540 sections 3.2.1 and 6.5.1). */
const HTTP2_SETTINGS = /^(?:[A-Za-z0-9_-]{8})+$/
/** 16 bytes in base64. */
const WEBSOCKET_KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/** What a request asks for that may switch to another protocol (RFC 9110 section 7.8). */
export interface UpgradeRequest {
  /** As the rule writes it. */
  readonly protocol: string
  /** What the response must prove; null unless the protocol is `websocket`. */
  readonly webSocket: WebSocketOffer | null
  /** The value of `HTTP2-Settings`; null unless the protocol is `h2c`, and where the client sends none, as Docker's. */
  readonly http2Settings: string | null
}

interface WebSocketOffer {
  readonly key: string
  readonly subprotocols: readonly string[]
  readonly extensions: readonly string[]
}

/**
 * The protocols that a request offers, in the client's order and in lower case. None in HTTP/1.0, and none where
 * `Connection` does not name `Upgrade`: the field is for another hop then.
 */
export function offeredProtocols(head: RequestHead, bytes: Buffer): string[] {
  if (head.minor === 0 || !head.drops.upgrades) return []
  return upgradeValues(head, bytes)
}

/** Whether any line of `Upgrade` names WebSocket. Without it a WebSocket client cannot go on, whatever `Connection` says. */
export function offersWebSocket(head: RequestHead, bytes: Buffer): boolean {
  return (
    head.minor === 1 &&
    upgradeValues(head, bytes).some((protocol) => protocol.split('/', 1)[0] === 'websocket')
  )
}

/** @returns what is wrong with a request for this protocol, or what its response will be held to. */
export function upgradeRequest(protocol: string, head: RequestHead, bytes: Buffer): UpgradeRequest | string {
  const values = (name: string) => valuesOf(name, bytes, head.fieldsStart, head.end)
  if (protocol.toLowerCase() === 'h2c') return h2cRequest(protocol, values)
  if (protocol.toLowerCase() !== 'websocket') return { protocol, webSocket: null, http2Settings: null }
  const [key, ...others] = values('sec-websocket-key')
  if (key === undefined || others.length > 0 || !WEBSOCKET_KEY.test(key))
    return 'it asks for websocket without exactly one Sec-WebSocket-Key of 16 bytes in base64'
  const subprotocols = values('sec-websocket-protocol').flatMap(membersOf)
  const extensions = values('sec-websocket-extensions').flatMap(membersOf).map(nameOf)
  return { protocol, webSocket: { key, subprotocols, extensions }, http2Settings: null }
}

/** RFC 7540 section 3.2.1. A server that gets several `HTTP2-Settings`, or a broken one, may not switch. */
function h2cRequest(protocol: string, values: (name: string) => string[]): UpgradeRequest | string {
  const [settings = null, ...others] = values('http2-settings')
  if (settings === null) return { protocol, webSocket: null, http2Settings: null }
  if (others.length > 0) return 'it asks for h2c with more than one HTTP2-Settings'
  if (!HTTP2_SETTINGS.test(settings))
    return 'it asks for h2c with HTTP2-Settings that are not settings of 6 bytes each in base64url'
  if (!values('connection').flatMap(membersOf).some(isHttp2Settings))
    return 'it asks for h2c with HTTP2-Settings, and its Connection does not name HTTP2-Settings'
  return { protocol, webSocket: null, http2Settings: settings }
}

function isHttp2Settings(name: string): boolean {
  return name.toLowerCase() === 'http2-settings'
}

/** What the head of the request carries in the place of the lines that end at the sidecar. */
export function requestLines({ protocol, http2Settings }: UpgradeRequest): Buffer {
  if (http2Settings === null) return responseLines({ protocol })
  return Buffer.from(
    `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: ${http2Settings}\r\n`,
  )
}

/** The same for the head of the 101. */
export function responseLines({ protocol }: Pick<UpgradeRequest, 'protocol'>): Buffer {
  return Buffer.from(`Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`)
}

/** @returns what is wrong with a response with status 101, or null. */
export function faultInSwitch(
  { protocol, webSocket }: UpgradeRequest,
  head: ResponseHead,
  bytes: Buffer,
): string | null {
  const named = upgradeValues(head, bytes)
  if (head.minor === 0) return 'it switches protocols in HTTP/1.0'
  if (!head.drops.upgrades || named.length === 0)
    return 'it switches protocols without Upgrade and Connection: Upgrade'
  if (named.length > 1 || named[0] !== protocol.toLowerCase())
    return `it switches to ${JSON.stringify(named.join(', ').slice(0, 80))}, and ${protocol} was asked for`
  return webSocket === null ? null : faultInWebSocket(webSocket, head, bytes)
}

/** The checks of RFC 6455 section 4.1. */
function faultInWebSocket(offer: WebSocketOffer, head: ResponseHead, bytes: Buffer): string | null {
  const values = (name: string) => valuesOf(name, bytes, head.fieldsStart, head.end)
  const accepts = values('sec-websocket-accept')
  const subprotocols = values('sec-websocket-protocol').flatMap(membersOf)
  const extensions = values('sec-websocket-extensions').flatMap(membersOf).map(nameOf)
  if (accepts.length !== 1 || accepts[0] !== acceptOf(offer.key))
    return 'its Sec-WebSocket-Accept does not belong to the key of the request'
  if (subprotocols.length > 1 || subprotocols.some((name) => !offer.subprotocols.includes(name)))
    return 'its Sec-WebSocket-Protocol was not asked for'
  if (extensions.some((name) => !offer.extensions.includes(name)))
    return 'its Sec-WebSocket-Extensions were not asked for'
  return null
}

/** Loaded when the first WebSocket opens: the import would take a tenth of the start-up time. */
function acceptOf(key: string): string {
  return process
    .getBuiltinModule('node:crypto')
    .createHash('sha1')
    .update(key + WEBSOCKET_GUID)
    .digest('base64')
}

function upgradeValues({ fields }: RequestHead | ResponseHead, bytes: Buffer): string[] {
  const values: string[] = []
  for (let i = 0; i < fields.count; i++)
    if (fields.id(i) === FIELD.upgrade)
      values.push(bytes.toString('latin1', fields.valueStart(i), fields.valueEnd(i)))
  return values.flatMap(membersOf).map((value) => value.toLowerCase())
}

/** The values of every line with this name, which is in lower case. */
function valuesOf(name: string, bytes: Buffer, from: number, to: number): string[] {
  const lines = bytes.toString('latin1', from, to).split('\r\n')
  return lines
    .filter((line) => line.slice(0, name.length + 1).toLowerCase() === `${name}:`)
    .map((line) => line.slice(name.length + 1).trim())
}

function membersOf(list: string): string[] {
  return list
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
}

/** The name of an extension, without its parameters. */
function nameOf(extension: string): string {
  return `${extension.split(';', 1)[0]}`.trim()
}
