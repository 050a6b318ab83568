import { EXIT } from '@uds-sidecar/shared/failure/exit-codes'
import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'

const USAGE = `usage: app [--version]

  --version  print the version

Configured by variables of the environment that begin with APP_.
`

/** Does what an option asks for. @returns false when there is none, and the app should run. */
export function runOption(args: readonly string[], { version, revision }: BuildInfo): boolean {
  const [option] = args
  if (option === undefined) return false
  if (option === '--version') process.stdout.write(`app ${version} (${revision})\n`)
  else if (option === '--help' || option === '-h') process.stdout.write(USAGE)
  else refuse(option)
  return true
}

function refuse(option: string): void {
  process.stderr.write(`app: there is no option ${option}\n${USAGE}`)
  process.exitCode = EXIT.usage
}
