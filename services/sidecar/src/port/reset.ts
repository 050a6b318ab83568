import type { Socket } from 'node:net'

/** Ends a connection so that its peer sees an error and never a clean end; over a Unix socket a plain close does. */
export function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_HANDLE_TYPE')) throw error
    socket.destroy()
  }
}
