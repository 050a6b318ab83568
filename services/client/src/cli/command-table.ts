import { usageError } from './cli-error.ts'
import type { Command } from './command.ts'
import { suggest } from './suggest.ts'

interface Entry {
  readonly summary: string
  /** Loads the command's code only when it is wanted, so that every command starts fast. */
  readonly load: () => Promise<{ command: Command }>
}

export const COMMANDS: Readonly<Record<string, Entry>> = {
  status: { summary: 'what the app says about itself', load: () => import('../commands/status.ts') },
  metrics: { summary: "the app's metrics, searched or raw", load: () => import('../commands/metrics.ts') },
  visit: { summary: 'count a visit in Redis, through the app', load: () => import('../commands/visit.ts') },
  echo: { summary: 'send lines of stdin, print what comes back', load: () => import('../commands/echo.ts') },
  exercise: {
    summary: 'the full tour: what must work, what must be refused',
    load: () => import('../commands/exercise.ts'),
  },
  doctor: {
    summary: 'why a socket does not answer, and what mends it',
    load: () => import('../commands/doctor.ts'),
  },
  bench: {
    summary: 'socket against loopback TCP and sidecar, measured',
    load: () => import('../commands/bench.ts'),
  },
  watch: { summary: 'every route as it changes', load: () => import('../commands/watch.ts') },
  completion: {
    summary: 'a completion script for bash or zsh',
    load: () => import('../commands/completion.ts'),
  },
}

/** @throws CliError `usage`, with the near name, when there is no such command. */
export async function loadCommand(name: string): Promise<Command> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (entry === undefined) throw unknownCommand(name)
  return (await entry.load()).command
}

/** Every command, loaded: `--version` does so, which fills the compile cache of an image. */
export function loadAllCommands(): Promise<Command[]> {
  return Promise.all(Object.keys(COMMANDS).map(loadCommand))
}

function unknownCommand(name: string) {
  const near = suggest(name, Object.keys(COMMANDS))
  return usageError(
    `there is no command ${JSON.stringify(name)}`,
    near === undefined ? 'client --help lists them' : `did you mean client ${near}?`,
  )
}
