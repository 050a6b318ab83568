import { EXIT } from '@uds-sidecar/shared/failure/exit-codes'
import { buildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { untilSignal } from '@uds-sidecar/shared/lifecycle/until-signal'
import { loadConfig } from '../config.ts'
import { usageError } from './cli-error.ts'
import type { Context } from './command.ts'
import { loadAllCommands, loadCommand } from './command-table.ts'
import { endQuietlyOnBrokenPipe } from './end-quietly-on-broken-pipe.ts'
import { commandHelp, generalHelp } from './help.ts'
import { parseArguments } from './parse-arguments.ts'
import { reportError } from './report-error.ts'
import type { Streams } from './streams.ts'

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
  if (name === undefined) throw usageError('which command?', 'client --help lists them')
  if (name === '--version') return showVersion(streams)
  if (name === '--help' || name === '-h' || name === 'help') return show(generalHelp(), streams)
  if (name.startsWith('-')) throw usageError(`${name} before a command`, 'write client COMMAND [OPTIONS]')
  const command = await loadCommand(name)
  if (rest.includes('--help') || rest.includes('-h')) return show(commandHelp(command), streams)
  const { positionals, values } = parseArguments(rest, command)
  return command.run({ positionals, values }, contextOf(streams, values.json === true))
}

function contextOf(streams: Streams, json: boolean): Context {
  const { stdout, stderr, env } = streams
  const config = loadConfig(env)
  return {
    // Opening stdin takes time, and only some commands read it.
    get stdin() {
      return streams.stdin
    },
    stdout,
    stderr,
    env,
    config,
    json,
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
