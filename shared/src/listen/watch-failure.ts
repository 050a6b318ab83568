import { Failure } from '../failure/failure.ts'

/** Why a listener is lost. */
export function occupied(path: string): Failure {
  return new Failure('path_occupied', {
    message: `something that is not a socket was put at ${path}`,
    hint: 'move it away: the socket is then published again',
  })
}

export function unwatchable(path: string, cause: unknown): Failure {
  return new Failure('io_error', { message: `cannot look at ${path}`, hint: 'see errno', cause })
}
