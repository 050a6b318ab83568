import { basename, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'

// The bottom of the test kit: what one run of the suite is called, so that all it made can be found and removed.

export const REPOSITORY = resolve(import.meta.dirname, '../..')

/** On everything that a run makes, so that its sweep finds what is its own and nothing else. */
export const RUN_LABEL = 'io.uds-sidecar.e2e.run'

/** What Compose puts on everything that it makes. */
export const PROJECT_LABEL = 'com.docker.compose.project'

/** What the names of all Compose projects and temporary directories of these tests begin with. */
export const PROJECT_PREFIX = 'uds-e2e-'

/** Of the whole run where the global set-up gave it, else of this process alone. */
export function runId(): string {
  return process.env.UDS_E2E_RUN ?? String(process.pid)
}

/** What the names of a run's Compose projects and temporary directories begin with. */
export function projectPrefix(run = runId()): string {
  return `${PROJECT_PREFIX}${run}-`
}

let projects = 0

/** A name for one more Compose project of this run, with the name of the test file in it. */
export function newProject(t: TestContext): string {
  projects += 1
  return `${projectPrefix()}${basename(t.filePath ?? 'test').replace(/\..*/, '')}-${projects}`
}

type Labels = Readonly<Record<string, string>> | null | undefined

/** @param run default: any run, also those that are under way */
export function isOfRun({ Labels: labels }: { readonly Labels?: Labels }, run?: string): boolean {
  const [ran, project] = [labels?.[RUN_LABEL], labels?.[PROJECT_LABEL]]
  if (run === undefined) return ran !== undefined || (project?.startsWith(PROJECT_PREFIX) ?? false)
  return ran === run || (project?.startsWith(projectPrefix(run)) ?? false)
}

/** A new directory on this machine, removed with all it holds when disposed of, or by the run's sweep. */
export function runDirectory(): Promise<TempDirectory> {
  return tempDirectory(projectPrefix())
}
