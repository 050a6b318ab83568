import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Finds what the file system did not tell, such as a directory that was removed and made again. */
const POLL_MS = 1_000

/**
 * Calls `check` whenever something may have happened to `path`: at once where the system tells, within a second
 * elsewhere. One call at a time; it does not keep the process alive.
 */
export class Watchdog implements AsyncDisposable {
  readonly #check: () => Promise<void>
  readonly #timer: NodeJS.Timeout
  readonly #watcher: FSWatcher | undefined
  #running: Promise<void> | undefined
  #missed = false

  constructor(path: string, check: () => Promise<void>) {
    this.#check = check
    this.#timer = setInterval(() => this.#run(), POLL_MS).unref()
    this.#watcher = watchDirectory(path, () => this.#run())
    this.#run() // what happened before anybody watched
  }

  /** No further call; resolves when one that is under way has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#watcher?.close()
    this.#missed = false
    await this.#running
  }

  #run(): void {
    this.#missed = this.#running !== undefined
    this.#running ??= this.#check().then(() => {
      this.#running = undefined
      if (this.#missed) this.#run()
    })
  }
}

/** Undefined where the system has no watch to give (inotify(7): the limit of watches); the poll remains. */
function watchDirectory(path: string, changed: () => void): FSWatcher | undefined {
  const name = basename(path)
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_event, filename) => {
      if (filename === null || filename === name) changed()
    })
    return watcher.on('error', () => watcher.close())
  } catch {
    return undefined
  }
}
