import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type ProblemResponseOptions, problemResponse } from './problem-response.ts'

const responseTo = (
  code: FailureCode,
  options: ProblemResponseOptions = { connection: null, headOnly: false },
) => `${problemResponse(new Failure(code, { message: 'what', hint: 'do' }), options)}`

describe('a problem response (RFC 9457)', () => {
  it('has a status line with a reason phrase, for every status in the failure table', () => {
    for (const [code, { status }] of Object.entries(FAILURES)) {
      if (status !== null)
        assert.match(
          responseTo(code as FailureCode),
          new RegExp(`^HTTP/1.1 ${status} [A-Z][A-Za-z ]+\r\n`),
          code,
        )
    }
  })

  it('is JSON with its Content-Length, and has Retry-After when a later attempt may succeed', () => {
    const [head = '', body = ''] = responseTo('socket_stale').split('\r\n\r\n')
    assert.equal(Number(/Content-Length: (\d+)/.exec(head)?.[1]), body.length)
    assert.match(head, /Content-Type: application\/problem\+json/)
    assert.match(head, /Retry-After: 1/)
    assert.doesNotMatch(head, /Connection/)
    assert.deepEqual(JSON.parse(body).code, 'socket_stale')
    assert.doesNotMatch(responseTo('socket_denied'), /Retry-After/)
  })

  it('is only a head in response to HEAD, with Connection: close when the connection ends', () => {
    const response = responseTo('bad_request', { connection: 'close', headOnly: true })
    assert.match(response, /Connection: close\r\n\r\n$/)
  })
})
