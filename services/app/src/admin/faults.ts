import { setTimeout as pause } from 'node:timers/promises'
import type { RequestHandler } from 'express'

/** The faults that are injected, for tests of whatever depends on the app. */
export class Faults {
  /** Milliseconds that every response is delayed. */
  delayMs = 0
  /** Whether requests get no response; their connections stay open. */
  hanging = false

  /** Goes before the routes that the faults apply to. */
  readonly handler: RequestHandler = async (_request, _response, next) => {
    if (this.hanging) return
    if (this.delayMs > 0) await pause(this.delayMs)
    next()
  }

  /** Ends the process with SIGKILL: no handler runs, the socket files stay. */
  crash(): void {
    process.kill(process.pid, 'SIGKILL')
  }
}
