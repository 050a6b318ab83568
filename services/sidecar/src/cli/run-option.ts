import { EXIT } from '@uds-sidecar/shared/failure/failures'
import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { boundsTable } from '../config/bound-text.ts'
import { loadConfig, readLogLevel } from '../config/config.ts'
import { jsonSchema } from '../config/json-schema.ts'
import { checkFiles } from '../sidecar/reload-files.ts'

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
  else if (option === '--check') await check(env)
  else if (option === '--help' || option === '-h') process.stdout.write(USAGE)
  else refuse(option)
  return true
}

/** Also imports the modules that only some configurations need: the image build runs `--version` to fill Node's compile cache. */
async function printVersion(version: string): Promise<void> {
  await import('../observe/operations.ts')
  await import('../tls/certificate.ts')
  await import('../identity/credentials.ts')
  await import('../way-out/way-out.ts')
  await import('../way-out/upstream-tls.ts')
  process.stdout.write(`sidecar ${version}\n`)
}

/** Also reads certificates, tokens, passwords and credentials, because a sidecar does not start without them. */
async function check(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadConfig(env)
  const log = createLog('sidecar', readLogLevel(env))
  await checkFiles(config, log)
  process.stdout.write(`the configuration is valid: ${config.routes.map(({ name }) => name).join(', ')}\n`)
}

function refuse(option: string): void {
  process.stderr.write(`sidecar: unknown option ${option}\n${USAGE}`)
  process.exitCode = EXIT.usage
}
