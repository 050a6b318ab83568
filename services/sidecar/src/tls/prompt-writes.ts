import type { TLSSocket } from 'node:tls'

type Done = (error?: Error | null) => void

/**
 * Reports a write to a connected TLS socket as done at once when the kernel has taken it, as Node does for TCP. Node reports each
 * one a turn later ("TLS cannot handle this at the moment", src/crypto/crypto_tls.cc of Node 26), although its bytes are
 * encrypted when the call returns and their buffer is free. The relay would take every client and every upstream for a
 * slow one, and allocate a new buffer for each response and each request.
 *
 * A TLS socket takes one write at a time: what follows waits until Node has reported the write before it.
 */
export function writePromptly(socket: TLSSocket): void {
  const [write, writev, final] = [socket._write, socket._writev, socket._final]
  let isWriting = false
  /** Of the write that Node has not reported; null: we have. */
  let report: Done | null = null
  let waiting: (() => void) | null = null

  const written: Done = (error) => {
    const [done, next] = [report, waiting]
    isWriting = false
    report = null
    waiting = null
    if (done !== null) done(error)
    else if (error) socket.destroy(error)
    next?.()
  }
  const begin = (done: Done) => {
    isWriting = true
    report = done
  }
  const reportIfTaken = () => {
    if (!isWriting || hasQueue(socket)) return
    const done = report
    report = null
    done?.()
  }

  socket._write = (chunk, encoding, done) => {
    if (isWriting) {
      waiting = () => socket._write(chunk, encoding, done)
      return
    }
    begin(done)
    write.call(socket, chunk, encoding, written)
    reportIfTaken()
  }
  if (writev !== undefined)
    socket._writev = (chunks, done) => {
      if (isWriting) {
        waiting = () => socket._writev?.(chunks, done)
        return
      }
      begin(done)
      writev.call(socket, chunks, written)
      reportIfTaken()
    }
  socket._final = (done) => {
    if (isWriting) waiting = () => final.call(socket, done)
    else final.call(socket, done)
  }
}

/**
 * Whether bytes wait for room in the kernel's send buffer. Node has no public way to tell: `_parent` of its handle is that
 * of the connection below TLS. Where there is none the write is done when Node says so.
 */
function hasQueue(socket: TLSSocket): boolean {
  return (socket as TLSSocket & Internals)._handle?._parent?.writeQueueSize !== 0
}

interface Internals {
  readonly _handle?: { readonly _parent?: { readonly writeQueueSize?: number } | null } | null
}
