import type { Socket } from 'node:net'

/**
 * Lets a socket be read after a write to it has failed. A server may answer and close before it has read the whole
 * request; Node destroys the socket when the next write fails, and with it the answer that waits to be read.
 * @param onWriteFailed called instead; false to let the socket be destroyed all the same.
 */
export function keepReadable(socket: Socket, onWriteFailed: () => boolean): void {
  const destroy = socket.destroy.bind(socket)
  socket.destroy = (error?: NodeJS.ErrnoException) => {
    const isKept = error?.syscall === 'write' && onWriteFailed()
    return isKept ? socket : destroy(error)
  }
}
