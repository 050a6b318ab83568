import { EXIT } from '@uds-sidecar/shared/failure/failures'
import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { boundsTable } from '../config/bound-text.ts'
import { loadConfig } from '../config/config.ts'
import { jsonSchema } from '../config/json-schema.ts'

const USAGE = `usage: sidecar [--check | --bounds | --schema | --version | --help]

  --check    validate the configuration and exit
  --bounds   print every bound with its default, as Markdown
  --schema   print the JSON Schema of the configuration file, for editors
  --version  print the version
  --help     print this text

The configuration is the file that SIDECAR_CONFIG names, or one route from SIDECAR_LISTEN and SIDECAR_UPSTREAM.
`

/**
 * Runs the command-line option, if there is one. An unknown option sets the exit code to 64 (EX_USAGE, sysexits.h).
 * @returns false when there is no option, and the sidecar should start.
 * @throws Failure `bad_config` from `--check`
 */
export async function runOption(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { version }: BuildInfo,
): Promise<boolean> {
  const [option] = args
  if (option === undefined) return false
  if (option === '--version') await printVersion(version)
  else if (option === '--schema') process.stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`)
  else if (option === '--bounds') process.stdout.write(boundsTable())
  else if (option === '--check') process.stdout.write(`the configuration is valid: ${routeNames(env)}\n`)
  else if (option === '--help' || option === '-h') process.stdout.write(USAGE)
  else refuse(option)
  return true
}

/** Also imports the modules of the operations port: the image build runs `--version` to fill Node's compile cache. */
async function printVersion(version: string): Promise<void> {
  await import('../observe/operations.ts')
  process.stdout.write(`sidecar ${version}\n`)
}

function routeNames(env: NodeJS.ProcessEnv): string {
  return loadConfig(env)
    .routes.map(({ name }) => name)
    .join(', ')
}

function refuse(option: string): void {
  process.stderr.write(`sidecar: unknown option ${option}\n${USAGE}`)
  process.exitCode = EXIT.usage
}
