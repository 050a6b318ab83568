import { BodyFraming } from '../../http1/body-framing.ts'
import { BROKEN } from '../../http1/chunked.ts'
import { composedBytes, composeRequest, RequestIds } from '../../http1/compose-request.ts'
import { INCOMPLETE } from '../../http1/fields.ts'
import { parseRequestHead } from '../../http1/parse-request-head.ts'
import { REFUSED, RequestHead } from '../../http1/request-head.ts'
import { judgeSize, judgeTarget } from '../../policy/admission.ts'
import { AllowList } from '../../policy/allow-list.ts'

/** One request that the relay forwards. */
export interface Forwarded {
  /** Where the request begins in the input. */
  readonly start: number
  readonly method: string
  readonly target: string
  readonly body: string
  readonly complete: boolean
  /**
   * An earlier request had a body and was refused. Whether its connection stays open then depends on timing, so over real
   * sockets this request may not be forwarded.
   */
  readonly isUncertain: boolean
  /** The bytes that the upstream receives. */
  readonly bytes: Buffer
}

const IDS = new RequestIds()
export const PROVENANCE = Buffer.from('X-Forwarded-For: 9.9.9.9\r\n')

const RULE = { long: false, clients: [] }
const ALLOW = new AllowList([
  { ...RULE, methods: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'], path: '/*' },
  { ...RULE, methods: ['OPTIONS'], path: '*' },
])

/**
 * The relay without sockets, made of its own parsers and policy: what it forwards of `input`, until it refuses a request
 * or the connection would close.
 */
export function relayRequests(input: Buffer): Forwarded[] {
  const forwarded: Forwarded[] = []
  const head = new RequestHead()
  let isUncertain = false
  for (let at = 0; at < input.length; ) {
    const start = afterEmptyLines(input, at)
    if (start === input.length) break
    const position = parseRequestHead(head, input, start, input.length)
    if (position === INCOMPLETE || position === REFUSED) break
    const framing = framingOf(head)
    const { end, body, sent } = advance(framing, input, position)
    if (end === BROKEN) break
    const isAllowed = !('failure' in judgeTarget(ALLOW, head, input))
    const isForwarded = isAllowed && judgeSize(ALLOW, 1_000_000, head, input) === null
    if (isForwarded)
      forwarded.push({ ...describe(head, input, start, sent, framing.done), body, isUncertain })
    else isUncertain ||= framing.bytes > 0
    if (!framing.done || !head.persistent) break
    at = end
  }
  return forwarded
}

function afterEmptyLines(input: Buffer, start: number): number {
  let at = start
  while (input[at] === 0x0d && input[at + 1] === 0x0a) at += 2
  return at
}

function advance(framing: BodyFraming, input: Buffer, position: number) {
  let body = ''
  const end = framing.advance(input, position, input.length, (from, to) => {
    body += input.toString('latin1', from, to)
  })
  const sent = Buffer.concat(framing.pieces ?? [input.subarray(position, Math.max(end, position))])
  return {
    end,
    sent,
    body: framing.isChunked || end === BROKEN ? body : input.toString('latin1', position, end),
  }
}

export function framingOf(head: RequestHead): BodyFraming {
  const framing = new BodyFraming()
  framing.startRequest(head)
  return framing
}

function forwardedTarget(
  { normalPath, targetStart, pathEnd, targetEnd }: RequestHead,
  input: Buffer,
): string {
  return normalPath === null
    ? input.toString('latin1', targetStart, targetEnd)
    : normalPath.toString('latin1') + input.toString('latin1', pathEnd, targetEnd)
}

function describe(head: RequestHead, input: Buffer, start: number, sent: Buffer, complete: boolean) {
  const out = Buffer.alloc(composedBytes(head, start, PROVENANCE))
  const headBytes = composeRequest(out, head, input, start, PROVENANCE, IDS)
  return {
    start,
    method: head.method,
    target: head.impliedPath + forwardedTarget(head, input),
    complete,
    bytes: Buffer.concat([out.subarray(0, headBytes), sent]),
  }
}
