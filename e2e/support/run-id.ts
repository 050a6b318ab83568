/** On everything that a run makes, so that its sweep finds what is its own and nothing else. */
export const RUN_LABEL = 'io.uds-sidecar.e2e.run'

/** Of the whole run where the global set-up gave it, else of this process alone. */
export function runId(): string {
  return process.env.UDS_E2E_RUN ?? String(process.pid)
}

/** What the names of all Compose projects of these tests begin with. */
export const PROJECT_PREFIX = 'uds-e2e-'

/** What the names of a run's Compose projects begin with. */
export function projectPrefix(run = runId()): string {
  return `${PROJECT_PREFIX}${run}-`
}

type Labels = Readonly<Record<string, string>> | null | undefined

/** @param run default: any run, also those that are under way */
export function isOfRun({ Labels: labels }: { readonly Labels?: Labels }, run?: string): boolean {
  const [ran, project] = [labels?.[RUN_LABEL], labels?.['com.docker.compose.project']]
  if (run === undefined) return ran !== undefined || (project?.startsWith(PROJECT_PREFIX) ?? false)
  return ran === run || (project?.startsWith(projectPrefix(run)) ?? false)
}
