import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errnoOf, Failure, problemOf } from './failure.ts'
import { EXIT, FAILURES, type FailureCode, UPSTREAM_CODES } from './failures.ts'

/** The statuses that clients rely on; `docs/failure-modes.test.ts` compares all of them with the documentation. */
const STATUS: Partial<Record<FailureCode, number | null>> = {
  socket_missing: 503,
  socket_stale: 503,
  socket_denied: 502,
  not_a_socket: 502,
  backlog_full: 503,
  upstream_timeout: 504,
  upstream_reset: 502,
  upstream_malformed: 502,
  upstream_too_large: 502,
  upstream_truncated: null,
  path_not_allowed: 403,
  method_not_allowed: 405,
  bad_request: 400,
  head_too_large: 431,
  body_too_large: 413,
  client_timeout: 408,
  overloaded: 503,
  draining: 503,
}

const EXIT_CODE: Partial<Record<FailureCode, number>> = {
  in_use: 75,
  socket_denied: 77,
  directory_denied: 77,
  group_denied: 77,
  bad_config: 78,
  bad_endpoint: 78,
  path_too_long: 78,
  lock_unavailable: 78,
  socket_stale: 69,
  socket_missing: 69,
}

describe('the failure table', () => {
  for (const [code, status] of Object.entries(STATUS)) {
    it(`${code}, has status ${status}`, () => assert.equal(FAILURES[code as FailureCode].status, status))
  }

  for (const [code, exitCode] of Object.entries(EXIT_CODE)) {
    it(`${code}, ends a program with ${exitCode}`, () => {
      assert.equal(FAILURES[code as FailureCode].exitCode, exitCode)
    })
  }

  it('of every code, fits a metric label, a status of HTTP and an exit code of ours', () => {
    const exitCodes: number[] = Object.values(EXIT).filter((code) => code !== EXIT.ok)
    for (const [code, { status, exitCode, title }] of Object.entries(FAILURES)) {
      assert.match(code, /^[a-z][a-z_]*$/)
      assert.ok(status === null || (status >= 400 && status <= 599))
      assert.ok(exitCodes.includes(exitCode))
      assert.notEqual(title, '')
    }
  })
})

describe('the codes of what an upstream did', () => {
  const codes = Object.keys(FAILURES) as FailureCode[]

  it('include each that a gateway reports as 502 or 504', () => {
    const gateway = codes.filter((code) => [502, 504].includes(FAILURES[code].status ?? 0))
    assert.deepEqual(
      gateway.filter((code) => !UPSTREAM_CODES.has(code)),
      [],
    )
  })

  it('include none for which the request or this program is to blame', () => {
    const others = codes.filter((code) => ![502, 503, 504, null].includes(FAILURES[code].status))
    assert.deepEqual(
      others.filter((code) => UPSTREAM_CODES.has(code)),
      [],
    )
    for (const code of ['overloaded', 'draining', 'internal_error'] as const)
      assert.equal(UPSTREAM_CODES.has(code), false, code)
  })
})

describe('a failure', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  const failure = new Failure('socket_stale', { message: 'what', hint: 'do', cause })

  it('keeps its cause and takes the errno from it', () => {
    assert.equal(failure.cause, cause)
    assert.equal(failure.errno, 'ECONNREFUSED')
  })

  it('as a problem, has all members of RFC 9457 and ours', () => {
    assert.deepEqual(problemOf(failure), {
      type: 'about:blank',
      title: 'A socket file, and nobody listens on it',
      status: 503,
      detail: 'what',
      code: 'socket_stale',
      errno: 'ECONNREFUSED',
      hint: 'do',
    })
  })
})

describe('the errno of an error', () => {
  for (const [error, errno] of [
    [Object.assign(new Error(), { code: 'EACCES' }), 'EACCES'],
    [Object.assign(new Error(), { code: 'EAI_AGAIN' }), 'EAI_AGAIN'],
    [Object.assign(new Error(), { code: 'ERR_INVALID_ARG_TYPE' }), undefined],
    [Object.assign(new Error(), { code: 13 }), undefined],
    [new Failure('in_use', { message: '', hint: '' }), undefined],
    ['EACCES', undefined],
    [undefined, undefined],
  ] as const) {
    it(`with ${JSON.stringify(error)}, is ${errno}`, () => assert.equal(errnoOf(error), errno))
  }
})
