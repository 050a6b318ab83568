import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { diagnose } from './diagnosis.ts'
import { engine } from './engine.ts'

/**
 * Keeps state and log of each container of a project that dies or turns unhealthy while it starts: Testcontainers
 * removes what did not start before anybody can ask it why.
 */
export class Witness implements Disposable {
  readonly #events: Readable
  readonly #seen: Promise<string>[] = []

  private constructor(events: Readable) {
    this.#events = events
    createInterface({ input: events }).on('line', (line) => this.#notice(JSON.parse(line)))
  }

  static async of(project: string): Promise<Witness> {
    const label = [`com.docker.compose.project=${project}`]
    const filters = { label, event: ['die', 'health_status: unhealthy'] }
    return new Witness((await engine.getEvents({ filters })) as Readable)
  }

  async report(): Promise<string> {
    return (await Promise.all(this.#seen)).join('\n')
  }

  [Symbol.dispose](): void {
    this.#events.destroy()
  }

  #notice({ Actor }: { Actor: { ID: string } }): void {
    this.#seen.push(diagnose(engine.getContainer(Actor.ID)).catch(String))
  }
}
