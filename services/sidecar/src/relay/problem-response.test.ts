import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type ProblemResponseOptions, problemResponse } from './problem-response.ts'

const answerTo = (
  code: FailureCode,
  options: ProblemResponseOptions = { connection: null, headOnly: false },
) => `${problemResponse(new Failure(code, { message: 'what', hint: 'do' }), options)}`

describe('a problem', () => {
  it('has a status line with a reason for every status in the failure table', () => {
    for (const [code, { status }] of Object.entries(FAILURES)) {
      if (status !== null)
        assert.match(
          answerTo(code as FailureCode),
          new RegExp(`^HTTP/1.1 ${status} [A-Z][A-Za-z ]+\r\n`),
          code,
        )
    }
  })

  it('is JSON of the length that it says, with Retry-After where trying again may help', () => {
    const [head = '', body = ''] = answerTo('socket_stale').split('\r\n\r\n')
    assert.equal(Number(/Content-Length: (\d+)/.exec(head)?.[1]), body.length)
    assert.match(head, /Content-Type: application\/problem\+json/)
    assert.match(head, /Retry-After: 1/)
    assert.doesNotMatch(head, /Connection/)
    assert.deepEqual(JSON.parse(body).code, 'socket_stale')
    assert.doesNotMatch(answerTo('socket_denied'), /Retry-After/)
  })

  it('answers HEAD with the head alone, and says so when the connection ends', () => {
    const answer = answerTo('bad_request', { connection: 'close', headOnly: true })
    assert.match(answer, /Connection: close\r\n\r\n$/)
  })
})
