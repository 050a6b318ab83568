import type { Command } from './command.ts'
import { COMMANDS } from './command-table.ts'
import { COMMON_OPTIONS, type Options } from './options.ts'

const ENDPOINTS = 'unix:/absolute/path, unix:@abstract-name or tcp://host:port'

const EXIT_CODES = '0 ok, 64 usage, 69 not answering, 75 in use, 77 denied, 78 bad configuration'

/** `client --help`. */
export function generalHelp(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary] as const)
  return [
    'Talks to the stack over Unix sockets and TCP alike, and says why something does not answer.',
    '',
    'usage: client COMMAND [ENDPOINT] [OPTIONS]',
    '',
    ...columns(commands),
    '',
    `An ENDPOINT is ${ENDPOINTS}.`,
    'Without one, CLIENT_API, CLIENT_ECHO, CLIENT_METRICS and the other variables of config.ts say where.',
    `Exit codes: ${EXIT_CODES}.`,
    'client COMMAND --help shows its options and an example; client --version the version.',
    '',
  ].join('\n')
}

/** `client COMMAND --help`. */
export function commandHelp(command: Command): string {
  return [
    `${command.name}: ${command.summary}`,
    '',
    `usage: client ${command.name} ${command.synopsis}`,
    '',
    ...columns(Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(optionLine)),
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
  const standard = option.kind === 'value' && option.fallback !== undefined ? ` (${option.fallback})` : ''
  return [`${short}--${name}${value}`, `${option.summary}${standard}`]
}

function columns(lines: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...lines.map(([left]) => left.length))
  return lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
