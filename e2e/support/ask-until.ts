import type { Insider } from './insider.ts'

/** What came of requests that were made one after the other. */
export interface Asked {
  readonly answered: number
  /** Statuses other than 200, and errnos. */
  readonly failures: (string | number)[]
}

/**
 * GETs `/-/healthy` over a socket from within a container, each on a connection of its own, until the file `done` is
 * there and it has asked at least so often.
 */
export function askUntil(container: Insider, path: string, done: string, least: number): Promise<Asked> {
  return container.inside(
    async (socketPath, done, least) => {
      const { existsSync } = await import('node:fs')
      const { get } = await import('node:http')
      const ask = () =>
        new Promise<string | number | undefined>((resolve) => {
          get(
            { socketPath, path: '/-/healthy', agent: false, signal: AbortSignal.timeout(60_000) },
            (response) => {
              response.resume().once('close', () => resolve(response.complete ? response.statusCode : 'cut'))
            },
          ).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
        })
      const outcomes: (string | number)[] = []
      while (!existsSync(done) || outcomes.length < least) outcomes.push((await ask()) ?? 'no status')
      const failures = outcomes.filter((outcome) => outcome !== 200)
      return { answered: outcomes.length - failures.length, failures }
    },
    path,
    done,
    least,
  )
}
