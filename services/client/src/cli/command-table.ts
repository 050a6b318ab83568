import { usageError } from './cli-error.ts'
import type { Command } from './command.ts'
import { suggest } from './suggest.ts'

/** Each command is imported only when it runs, so that every command starts fast. In the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  status: () => import('../commands/status.ts'),
  metrics: () => import('../commands/metrics.ts'),
  visit: () => import('../commands/visit.ts'),
  echo: () => import('../commands/echo.ts'),
  exercise: () => import('../commands/exercise.ts'),
  doctor: () => import('../commands/doctor.ts'),
  bench: () => import('../commands/bench.ts'),
  watch: () => import('../commands/watch.ts'),
  completion: () => import('../commands/completion.ts'),
}

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS)

/** @throws CliError `usage`, with the most similar name, when there is no such command */
export async function loadCommand(name: string): Promise<Command> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (load === undefined) throw unknownCommand(name)
  return (await load()).command
}

/** For help and completion. `--version` does this too, which fills the compile cache of an image. */
export function loadAllCommands(): Promise<Command[]> {
  return Promise.all(COMMAND_NAMES.map(loadCommand))
}

function unknownCommand(name: string) {
  const near = suggest(name, COMMAND_NAMES)
  return usageError(
    `there is no command ${JSON.stringify(name)}`,
    near === undefined ? 'client --help lists the commands' : `did you mean client ${near}?`,
  )
}
