import { setTimeout as pause } from 'node:timers/promises'
import type { RequestHandler } from 'express'

/** The faults in force: what a test or a game day does to an app to see how those in front of it take it. */
export class Faults {
  /** Milliseconds that every answer waits. */
  delayMs = 0
  /** No answer any more; connections stay open. */
  hanging = false

  /** Put before the routes that are to suffer. */
  readonly handler: RequestHandler = async (_request, _response, next) => {
    if (this.hanging) return
    if (this.delayMs > 0) await pause(this.delayMs)
    next()
  }

  /** As if the kernel had killed it: no handler runs, the socket files stay. */
  crash(): void {
    process.kill(process.pid, 'SIGKILL')
  }
}
