import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Finds changes that fs.watch does not report, such as a directory that was removed and made again. */
const POLL_MS = 1_000

/**
 * Calls `check` when something may have happened to `path`: at once if the system reports it, else within a second. One
 * call at a time; it does not keep the process alive.
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
    this.#run() // something may have happened before the watch began
  }

  /** Makes no further call; resolves when a call that is under way has ended. */
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

/** Undefined if the system's limit of watches is reached (inotify(7)); then only the poll is left. */
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
