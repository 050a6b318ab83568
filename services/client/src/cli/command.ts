import type { ClientConfig } from '../config.ts'
import type { Options, Values } from './options.ts'
import type { Streams } from './streams.ts'

export interface Context extends Streams {
  readonly config: ClientConfig
  /** Every command there is, loaded. */
  readonly allCommands: () => Promise<readonly Command[]>
  /** Whether `--json` was given. */
  readonly json: boolean
  /** Aborts at SIGTERM or SIGINT. A command that never asks ends at once, as a program does by itself. */
  interrupted(): AbortSignal
}

export interface Arguments<O extends Options> {
  readonly positionals: readonly string[]
  readonly values: Values<O>
}

/** One command: what help and completion say about it, and what it does. */
export interface Command<O extends Options = Options> {
  readonly name: string
  readonly summary: string
  /** What stands after the command's name, for help. */
  readonly synopsis: string
  readonly maxPositionals: number
  /** What the first argument may be, where that is a closed set; completion offers it. */
  readonly words?: readonly string[]
  readonly options: O
  /** A command line and what it is for. */
  readonly examples: readonly (readonly [commandLine: string, purpose: string])[]
  /** What the command writes with `--json`, for help. */
  readonly jsonShape: string
  /** Returns the exit code. */
  run(args: Arguments<O>, context: Context): Promise<number>
}

/** Gives `run` the exact types of its own options, and hides them from everybody else. */
export function defineCommand<const O extends Options>(command: Command<O>): Command {
  return command as unknown as Command
}
