import { extname } from 'node:path'
import type { Worker } from 'node:worker_threads'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { FairQueue } from '../relay/fair-queue.ts'
import { workerThreads } from './node-modules.ts'
import type { PasswordQuestion } from './password-worker.ts'

/** Neither proven nor refuted: too many attempts wait, or the worker gave no result. A later attempt may succeed. */
export const BUSY = Symbol('busy')

/** Attempts of one caller that may wait; one more is `BUSY`. */
export const MAX_WAITING_PER_CALLER = 8
/** Attempts that may wait in all. */
export const MAX_WAITING = 128
/** The time for one verification, the start of the worker included. A cost of 14 takes 1 to 2 s on a free CPU. */
const DEADLINE_MS = 30_000

/** Beside this file: its source in a checkout, its bundle in the image (`scripts/bundle.ts`). */
const WORKER = new URL(`./password-worker${extname(import.meta.url)}`, import.meta.url)

export interface PasswordAttempt extends PasswordQuestion {
  /** Attempts of different callers are verified in turn. */
  readonly caller: string
  /** The same for the same user, password and hash. Attempts of one caller with one key are verified once. */
  readonly key: string
}

type Verdict = boolean | typeof BUSY

interface Job extends PasswordAttempt {
  readonly peer: string
  readonly verdict: Promise<Verdict>
  resolve(verdict: Verdict): void
}

/**
 * Verifies passwords against bcrypt hashes in one worker thread, one at a time. The thread is started with the first
 * verification, and again after it has died. It does not keep the process alive while it has nothing to do.
 */
export class PasswordVerifier implements Disposable {
  readonly #log: Logger
  readonly #worker: URL
  readonly #deadlineMs: number
  readonly #waiting = new FairQueue<Job, string>()
  /** Those that wait, and the one that is verified. */
  readonly #jobs = new Map<string, Job>()
  #thread: Worker | undefined
  #current: Job | undefined
  #timer: NodeJS.Timeout | undefined
  /** Whether the log says so already; until a verification succeeds, it does not say it again. */
  #isReported = false
  #isDisposed = false

  /** @param options for tests */
  constructor(log: Logger, { worker = WORKER, deadlineMs = DEADLINE_MS } = {}) {
    this.#log = log
    this.#worker = worker
    this.#deadlineMs = deadlineMs
  }

  verify(attempt: PasswordAttempt): Promise<Verdict> {
    if (this.#isDisposed) return Promise.resolve(BUSY)
    const id = idOf(attempt)
    const same = this.#jobs.get(id)
    if (same !== undefined) return same.verdict
    if (!this.#hasRoomFor(attempt.caller)) return Promise.resolve(BUSY)
    const { promise, resolve } = Promise.withResolvers<Verdict>()
    const job = { ...attempt, peer: attempt.caller, verdict: promise, resolve }
    this.#jobs.set(id, job)
    this.#waiting.add(job)
    this.#next()
    return promise
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    this.#drop()
    for (const job of [...this.#jobs.values()]) this.#settle(job, BUSY)
  }

  /** Where all places are taken, the caller that has most of them loses its newest one to a caller that has fewer. */
  #hasRoomFor(caller: string): boolean {
    const own = this.#waiting.sizeOf(caller)
    if (own >= MAX_WAITING_PER_CALLER) return false
    if (this.#waiting.size < MAX_WAITING) return true
    const evicted = this.#waiting.evict(own + 1)
    if (evicted !== undefined) this.#settle(evicted, BUSY)
    return evicted !== undefined
  }

  #next(): void {
    if (this.#current !== undefined) return
    const job = this.#waiting.shift(() => true)
    if (job === undefined) {
      this.#thread?.unref()
      return
    }
    this.#current = job
    this.#timer = setTimeout(
      () => this.#lost(job, new Error(`no result after ${this.#deadlineMs} ms`)),
      this.#deadlineMs,
    ).unref()
    try {
      this.#thread ??= this.#start()
      this.#thread.ref()
      this.#thread.postMessage({ password: job.password, hash: job.hash } satisfies PasswordQuestion)
    } catch (error) {
      setImmediate(() => this.#lost(job, error)) // not at once: the caller has no promise yet
    }
  }

  #start(): Worker {
    const thread = new workerThreads.Worker(this.#worker, { execArgv: [] }) // flags such as --eval are not for it
    thread.on('message', (isMatch: unknown) => {
      const job = this.#current
      if (thread !== this.#thread || job === undefined) return
      this.#isReported = false
      this.#done(job, isMatch === true)
    })
    thread.on('error', (error) => this.#died(thread, error))
    thread.on('exit', (code) => this.#died(thread, new Error(`it ended with code ${code}`)))
    return thread
  }

  #died(thread: Worker, error: unknown): void {
    if (thread !== this.#thread) return
    this.#thread = undefined
    if (this.#current !== undefined) this.#lost(this.#current, error)
  }

  /** There is no result for the job that was with the worker. The next job gets another worker. */
  #lost(job: Job, error: unknown): void {
    if (job !== this.#current) return
    if (!this.#isReported) this.#log.error({ err: error }, LOST)
    this.#isReported = true
    this.#drop()
    this.#done(job, BUSY)
  }

  #done(job: Job, verdict: Verdict): void {
    clearTimeout(this.#timer)
    this.#current = undefined
    this.#settle(job, verdict)
    this.#next()
  }

  #settle(job: Job, verdict: Verdict): void {
    this.#waiting.delete(job)
    this.#jobs.delete(idOf(job))
    job.resolve(verdict)
  }

  #drop(): void {
    clearTimeout(this.#timer)
    const thread = this.#thread
    this.#thread = undefined
    void thread?.terminate()
  }
}

const LOST =
  'the thread that verifies passwords gave no result: the attempt was refused, the next one gets a new thread'

/** The key has a fixed length, so that two attempts never have one text. */
function idOf({ key, caller }: PasswordAttempt): string {
  return key + caller
}
