import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'

/** How often the files are looked at, whatever the watch says: it does not see every kind of replacement. */
const LOOK_MS = 10_000
/**
 * Bad content counts as bad once it has stayed the same for so long. Before that somebody may be between the
 * replacement of one file and of the next, or in the middle of writing one.
 */
const SETTLE_MS = 1_000
/** How often files that change while they are read are read again, at once. */
const ATTEMPTS = 5

/** Which files are followed, and what is made of them. */
export interface FollowedFilesParts<T> {
  /** Absolute. They are read together: when one of them changes, all are read again. */
  readonly paths: readonly string[]
  /**
   * Reads all files and checks them.
   * @param former the value that is in use; undefined at the first reading
   * @throws Failure `bad_config` that names the file and says what to do. It never quotes a secret: it is logged.
   */
  read(former: T | undefined): T | Promise<T>
  /** Whether both came from the same content: then the files were only touched, and nothing is new. */
  isSame(one: T, other: T): boolean
  /**
   * What else speaks against a new value now. Called at the moment when it would be taken over, without a turn of the
   * event loop in between: for what several files must not have in common.
   */
  conflict?(value: T): Failure | undefined
  /** What log lines about a value say of it; no secret. */
  logFields(value: T): object
  /** The log line when a new value is in use, and the one when a new value is refused. */
  readonly texts: { readonly taken: string; readonly kept: string }
  /** Counts the refused new values. It may outlive these files: a reload of the configuration passes it on. */
  readonly counters: { reloadFailures: number }
  readonly log: Logger
}

/**
 * The value that some files hold together, such as a certificate and its key. Good new content replaces the value. Bad
 * new content does not: the old value stays, and the log, `lastFailure` and `counters` say so.
 *
 * The directories of the files are watched, and the files looked at every 10 s and when {@link look} is called, as at
 * SIGHUP. A file is known by what stat(2) says of it with symbolic links followed, so a link that is swapped (Kubernetes
 * secrets, certbot) counts as a change. Content that is bad for less than 1 s is not reported: it may be half written.
 */
export class FollowedFiles<T> implements Disposable {
  /** Why content that is newer than the value is not in use; null when there is no such reason. */
  lastFailure: Failure | null = null
  /** When the value was read. */
  since = new Date()
  /** Called with each new value, but for the first. */
  onReplaced: (value: T) => void = () => undefined
  readonly #parts: FollowedFilesParts<T>
  #value: T
  /** The files that are in use or were reported as bad. */
  #known: string
  /** The bad files that were seen last, and since when. */
  #suspect = { identity: '', sinceMs: 0 }
  #watchers: FSWatcher[] = []
  readonly #timer: NodeJS.Timeout
  #settling: NodeJS.Timeout | undefined
  #current: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #isDisposed = false

  private constructor(parts: FollowedFilesParts<T>, value: T, identity: string) {
    this.#parts = parts
    this.#value = value
    this.#known = identity
    this.#timer = setInterval(() => void this.look(), LOOK_MS).unref()
    this.#watch()
  }

  /** Reads the files and follows them until the disposal. @throws Failure `bad_config` when one is missing or bad */
  static async load<T>(parts: FollowedFilesParts<T>): Promise<FollowedFiles<T>> {
    const { identity, result } = await read(parts, undefined)
    if ('failure' in result) throw result.failure
    return new FollowedFiles(parts, result.value, identity)
  }

  get value(): T {
    return this.#value
  }

  /** Takes over the files if they have changed. Resolves after a look that has begun after this call. */
  look(): Promise<void> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined
      return this.#lookOnce()
    })
    this.#current = this.#next
    return this.#next
  }

  /** Looks again at content that was refused, although it has not changed: what it was in conflict with has. */
  async reconsider(): Promise<void> {
    if (this.lastFailure === null) return
    this.#known = ''
    await this.look()
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    clearInterval(this.#timer)
    clearTimeout(this.#settling)
    this.#unwatch()
  }

  async #lookOnce(): Promise<void> {
    if (this.#isDisposed || (await identityOf(this.#parts.paths)) === this.#known) return
    this.#watch() // the directory itself may have been replaced
    const { identity, result } = await read(this.#parts, this.#value)
    if (this.#isDisposed) return
    const failure = 'failure' in result ? result.failure : this.#parts.conflict?.(result.value)
    if (failure !== undefined) this.#refuse(failure, identity)
    else if ('value' in result) this.#take(result.value, identity)
  }

  #take(value: T, identity: string): void {
    const isNew = !this.#parts.isSame(value, this.#value)
    const wasBad = this.lastFailure !== null
    this.#known = identity
    this.lastFailure = null
    if (isNew) {
      this.#value = value
      this.since = new Date()
      this.onReplaced(value)
    }
    const { log, logFields, texts } = this.#parts
    if (isNew || wasBad) log.info(logFields(value), texts.taken)
  }

  #refuse(failure: Failure, identity: string): void {
    if (identity !== this.#suspect.identity) this.#suspect = { identity, sinceMs: performance.now() }
    const leftMs = this.#suspect.sinceMs + SETTLE_MS - performance.now()
    clearTimeout(this.#settling)
    if (leftMs > 0) {
      this.#settling = setTimeout(() => void this.look(), leftMs + 1).unref()
      return
    }
    this.#known = identity
    this.lastFailure = failure
    const { counters, log, texts } = this.#parts
    counters.reloadFailures += 1
    log.error({ code: failure.code, hint: failure.hint }, `${texts.kept}: ${failure.message}`)
  }

  /** Watches the directories, not the files: a file that is replaced by a rename is another one. */
  #watch(): void {
    this.#unwatch()
    if (this.#isDisposed) return
    for (const directory of new Set(this.#parts.paths.map((path) => dirname(path))))
      try {
        const watcher = watch(directory, { persistent: false }, () => void this.look())
        this.#watchers.push(watcher.on('error', () => watcher.close()))
      } catch (error) {
        this.#parts.log.info(
          { directory, err: error },
          'the directory cannot be watched: it is looked at every 10 s',
        )
      }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close()
  }
}

/** The files at one moment: a good value, or what is wrong with them. */
interface Reading<T> {
  readonly identity: string
  readonly result: { readonly value: T } | { readonly failure: Failure }
}

/** Reads all files. When one of them changes meanwhile, all are read again; the last time, the next look notices. */
async function read<T>(parts: FollowedFilesParts<T>, former: T | undefined): Promise<Reading<T>> {
  for (let attempt = 1; ; attempt++) {
    const identity = await identityOf(parts.paths)
    const result = await readOrFail(parts, former)
    if (attempt === ATTEMPTS || (await identityOf(parts.paths)) === identity) return { identity, result }
  }
}

async function readOrFail<T>(
  parts: FollowedFilesParts<T>,
  former: T | undefined,
): Promise<Reading<T>['result']> {
  try {
    return { value: await parts.read(former) }
  } catch (error) {
    if (error instanceof Failure) return { failure: error }
    const message = `${parts.paths.join(' and ')} cannot be used: ${error}`
    return { failure: new Failure('bad_config', { message, hint: 'write the file again', cause: error }) }
  }
}

/**
 * Which files the paths name at the moment, symbolic links followed. Another text means that one was replaced or
 * written to, or has appeared or vanished.
 */
async function identityOf(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(fileIdentity))).join(' ')
}

async function fileIdentity(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(':')
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === undefined) throw error
    return errno
  }
}
