import type { Readable } from 'node:stream'
import type { ClientConfig } from '../config.ts'
import type { Output } from '../output/text.ts'
import { COMMON_OPTIONS, type Options, type Values } from './options.ts'

/** What a command reads and writes; `process` is one. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Output
  readonly stderr: Output
  readonly env: NodeJS.ProcessEnv
}

export interface Context extends Streams {
  readonly config: ClientConfig
  /** Loads every command, for `completion`. */
  readonly allCommands: () => Promise<readonly Command[]>
  /** Whether `--json` was given. */
  readonly json: boolean
  /** Aborts at SIGTERM or SIGINT. A command that never calls this ends at once, as any program does. */
  interrupted(): AbortSignal
}

export interface Arguments<O extends Options> {
  readonly positionals: readonly string[]
  readonly values: Values<O>
}

/** One command. Help, argument parsing and shell completion are all generated from this definition. */
export interface Command<O extends Options = Options> {
  readonly name: string
  /** One short line for help and completion. */
  readonly summary: string
  /** Positional arguments as the usage line shows them: `[ENDPOINT]`, or nothing. */
  readonly positionals: string
  readonly maxPositionals: number
  /** The values that the first argument may have, if they are a closed set; completion offers them. */
  readonly words?: readonly string[]
  readonly options: O
  /** A command line and its purpose. */
  readonly examples: readonly (readonly [commandLine: string, purpose: string])[]
  /** The output with `--json`, for help. */
  readonly jsonShape: string
  /** Returns the exit code. */
  run(args: Arguments<O>, context: Context): Promise<number>
}

/** Gives `run` the exact types of its own options; other code sees a plain `Command`. */
export function defineCommand<const O extends Options>(command: Command<O>): Command {
  return command as unknown as Command
}

export function allOptions({ options }: Command): Options {
  return { ...options, ...COMMON_OPTIONS }
}

/** `client status [ENDPOINT] [--tcp] [--timeout-ms MS]`: everything but the options that all commands have. */
export function usageOf({ name, positionals, options }: Command): string {
  const written = Object.entries(options).map(([option, definition]) =>
    definition.kind === 'flag' ? `[--${option}]` : `[--${option} ${definition.placeholder}]`,
  )
  return ['client', name, ...(positionals === '' ? [] : [positionals]), ...written].join(' ')
}
