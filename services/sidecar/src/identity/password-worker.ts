import { type MessagePort, parentPort } from 'node:worker_threads'
import { compareSync } from 'bcryptjs'

/** What the worker thread is asked: whether this is the password of that bcrypt hash. */
export interface PasswordQuestion {
  readonly password: string
  readonly hash: string
}

/** The worker thread of `password-verifier.ts`. bcrypt takes 90 ms and more; here it does not delay the event loop. */
function serve(port: MessagePort): void {
  port.on('message', ({ password, hash }: PasswordQuestion) => port.postMessage(compareSync(password, hash)))
}

if (parentPort !== null) serve(parentPort) // null: imported, and not started as a worker
