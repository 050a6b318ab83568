import { allOptions, type Command, usageOf } from './command.ts'
import type { Options } from './options.ts'

const ENDPOINTS = 'unix:/absolute/path, unix:@abstract-name or tcp://host:port'

const EXIT_CODES = '0 ok, 64 usage, 69 not available, 75 in use, 77 denied, 78 bad configuration'

/** `client --help`. */
export function generalHelp(commands: readonly Command[]): string {
  return [
    'Talks to the stack over Unix sockets and TCP, and explains why an endpoint does not respond.',
    '',
    'usage: client COMMAND [ENDPOINT] [OPTIONS]',
    '',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    `An ENDPOINT is ${ENDPOINTS}.`,
    'Without one, a command uses its variable, such as CLIENT_API; services/client/README.md lists all variables.',
    `Exit codes: ${EXIT_CODES}.`,
    'client COMMAND --help shows options and examples; client --version shows the version.',
    '',
  ].join('\n')
}

/** `client COMMAND --help`. */
export function commandHelp(command: Command): string {
  return [
    `${command.name}: ${command.summary}`,
    '',
    `usage: ${usageOf(command)}`,
    '',
    ...columns(Object.entries(allOptions(command)).map(optionLine)),
    '',
    'examples:',
    ...columns(command.examples),
    '',
    `--json writes ${command.jsonShape}`,
    '',
  ].join('\n')
}

function optionLine([name, option]: [string, Options[string]]): readonly [string, string] {
  const short = option.short === undefined ? '    ' : `-${option.short}, `
  const value = option.kind === 'value' ? ` ${option.placeholder}` : ''
  const fallback = option.kind === 'value' && option.fallback !== undefined ? ` (${option.fallback})` : ''
  return [`${short}--${name}${value}`, `${option.summary}${fallback}`]
}

function columns(lines: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...lines.map(([left]) => left.length))
  return lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
