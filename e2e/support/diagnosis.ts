import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { after, type TestContext } from 'node:test'
import type { Container } from 'dockerode'
import { engine, logOf } from './engine.ts'
import { PROJECT_LABEL } from './run.ts'

const LOG_LINES = 60

/** State and last log lines of a container: the first thing to look at when a test fails. */
export async function diagnose(container: Container): Promise<string> {
  const { Name, State } = await container.inspect()
  const state = `${State.Status}, exit code ${State.ExitCode}, health ${State.Health?.Status ?? 'not checked'}`
  return `--- ${Name}: ${state}\n${await logOf(container, LOG_LINES)}`
}

/** The same of every container of a Compose project. */
export async function diagnoseProject(project: string): Promise<string> {
  const label = [`${PROJECT_LABEL}=${project}`]
  const containers = await engine.listContainers({ all: true, filters: { label } })
  const parts = await Promise.all(containers.map(({ Id }) => diagnose(engine.getContainer(Id))))
  return parts.join('\n')
}

const STRAGGLER_MS = 5_000

/** Reports that are being made. */
const reports: Promise<void>[] = []

// A test that ran out of time may still hold a connection open, and the runner would wait for its file for ever.
// (Its --test-force-exit does not help: with that an interrupted run ends before its teardown.)
after(() => void setTimeout(exitWhenReported, STRAGGLER_MS).unref())

async function exitWhenReported(): Promise<void> {
  await Promise.allSettled(reports)
  process.exit()
}

/**
 * Prints what `examine` tells of a test's resources if the test, or one of its subtests, fails. They are examined while
 * they still exist: at once when a subtest has failed, and when the test is over. Resources that the test disposes of
 * itself are examined just before that, in any case, because the outcome is not known yet.
 * @param remove called when the test is over, after that
 * @returns to be called when they are about to be disposed of
 */
export function reportOnFailure(
  t: TestContext,
  examine: () => Promise<string>,
  remove: () => Promise<void> = async () => {},
): () => Promise<void> {
  const left: string[] = []
  let failed = false
  let isGone = false
  const look = async () => void left.push(await examine().catch(String))
  t.afterEach(async (subtest) => {
    if (isGone || ('passed' in subtest && subtest.passed)) return
    failed = true
    await look()
  })
  const report = async () => {
    if (!t.passed || failed) {
      if (!isGone) await look()
      process.stderr.write(`\n${t.name} failed; it left:\n${left.join('\n')}\n`)
    }
    await remove()
  }
  t.after(() => {
    const reported = report()
    reports.push(reported)
    return reported
  })
  return async () => {
    await look()
    isGone = true
  }
}

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
    const label = [`${PROJECT_LABEL}=${project}`]
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
