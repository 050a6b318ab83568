import {
  CodedError,
  PROBLEM_CONTENT_TYPE,
  problemOf,
  RETRY_AFTER_SECONDS,
} from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { AppFailure } from '../failures.ts'

/** The handler after all routes: 404 `not_found`. */
export const notFound: RequestHandler = (request) => {
  throw new AppFailure('not_found', {
    message: `nothing is served at ${request.method} ${request.path.slice(0, 200)}`,
    hint: 'services/app/README.md lists what the app serves',
  })
}

/** The last handler of Express: sends each error as problem details (RFC 9457), and logs a defect of the app. */
export function sendProblem(log: Logger): ErrorRequestHandler {
  return (error, request, response, next) => {
    const failure = error instanceof CodedError ? error : unexpected(error)
    if (failure.code === 'internal_error')
      log[failure.level]({ err: error, path: request.path }, failure.message)
    if (response.headersSent) return next(error)
    const problem = problemOf(failure)
    if (problem.status === 503) response.set('retry-after', String(RETRY_AFTER_SECONDS))
    response.status(problem.status).type(PROBLEM_CONTENT_TYPE).send(JSON.stringify(problem))
  }
}

function unexpected(cause: unknown): AppFailure {
  const badInput = cause instanceof Error && 'status' in cause && cause.status === 400
  return badInput
    ? new AppFailure('bad_request', { message: cause.message, hint: 'correct the request', cause })
    : new AppFailure('internal_error', { message: 'the app has a defect', hint: 'see its log', cause })
}
