import { Failure } from '@uds-sidecar/shared/failure/failure'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { buildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { untilSignal } from '@uds-sidecar/shared/lifecycle/run-main'
import { visible, visibleJson, visibleLines } from '@uds-sidecar/shared/text/visible'
import { loadConfig } from '../config.ts'
import type { Output } from '../output/text.ts'
import { CliError, usageError } from './cli-error.ts'
import type { Context, Streams } from './command.ts'
import { loadAllCommands, loadCommand } from './command-table.ts'
import { commandHelp, generalHelp } from './help.ts'
import { parseArguments } from './parse-arguments.ts'

/** `client metrics | head` closes our stdout when it has enough: a normal end, not an error. */
export function endQuietlyOnBrokenPipe(stdout: Output): void {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(EXIT.ok)
  })
}

/** Codes whose messages have several lines: a list of mistakes, a stack trace. */
const MULTI_LINE: ReadonlySet<string> = new Set(['bad_config', 'internal'])

/**
 * Writes an error to stderr, as text or (with `--json`) as `{"error": {code, message, hint, errno?}}`. Control characters
 * of other parties (in a path, an argument, a response) are escaped. An error that is neither a `Failure` nor a `CliError`
 * is a bug of the client: its stack is shown.
 * @returns the exit code; 70 for a bug
 */
export function reportError(error: unknown, json: boolean, { stderr }: Pick<Streams, 'stderr'>): number {
  const { code, message, hint, errno, exitCode } = describe(error)
  const text = errno === undefined ? message : `${message} (${errno})`
  stderr.write(
    json
      ? `${visibleJson({ error: { code, message, hint, errno } })}\n`
      : `client: ${visible(code)}: ${MULTI_LINE.has(code) ? visibleLines(text) : visible(text)}\n  hint: ${visible(hint)}\n`,
  )
  return exitCode
}

function describe(error: unknown) {
  if (error instanceof Failure) return error
  if (error instanceof CliError) return Object.assign(error, { errno: undefined })
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    code: 'internal',
    message,
    hint: 'this is a bug of the client: please report it',
    errno: undefined,
    exitCode: EXIT.internal,
  }
}

/** Runs one command line (without the program's name) and returns the exit code; never throws. */
export async function runCommandLine(args: readonly string[], streams: Streams): Promise<number> {
  endQuietlyOnBrokenPipe(streams.stdout)
  try {
    return await dispatch(args, streams)
  } catch (error) {
    return reportError(error, args.includes('--json'), streams)
  }
}

async function dispatch([name, ...rest]: readonly string[], streams: Streams): Promise<number> {
  if (name === undefined) throw usageError('no command was given', 'client --help lists the commands')
  if (name === '--version') return showVersion(streams)
  if (name === '--help' || name === '-h' || name === 'help')
    return show(generalHelp(await loadAllCommands()), streams)
  if (name.startsWith('-'))
    throw usageError(`${name} comes before the command`, 'write client COMMAND [OPTIONS]')
  const command = await loadCommand(name)
  if (rest.includes('--help') || rest.includes('-h')) return show(commandHelp(command), streams)
  const { positionals, values } = parseArguments(rest, command)
  return command.run({ positionals, values }, contextOf(streams, values.json === true))
}

function contextOf(streams: Streams, json: boolean): Context {
  const { stdout, stderr, env } = streams
  const config = loadConfig(env)
  return {
    // Opened late: opening stdin takes time, and only some commands read it.
    get stdin() {
      return streams.stdin
    },
    stdout,
    stderr,
    env,
    config,
    json,
    allCommands: loadAllCommands,
    interrupted: untilSignal,
  }
}

async function showVersion(streams: Streams): Promise<number> {
  await loadAllCommands()
  const { version, revision } = buildInfo(streams.env)
  return show(`client ${version} (${revision})\n`, streams)
}

function show(text: string, { stdout }: Streams): number {
  stdout.write(text)
  return EXIT.ok
}
