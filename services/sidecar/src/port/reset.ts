import type { Socket } from 'node:net'

/**
 * Ends a connection so that its peer sees an error and never a clean end; over a Unix socket a plain close does.
 *
 * While an `end()` is still being sent, Node's own reset fails with EINVAL, never closes the handle, and the process
 * spins for ever when it is to exit (Node 26.10; libuv allows no reset beside a shutdown). The clean end is under way
 * then in any case: a plain close is all that is left.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) {
    socket.destroy()
    return
  }
  try {
    socket.resetAndDestroy()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_HANDLE_TYPE')) throw error
    socket.destroy()
  }
}
