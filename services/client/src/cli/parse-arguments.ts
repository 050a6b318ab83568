import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { type Endpoint, parseEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { usageError } from './cli-error.ts'
import { type Arguments, allOptions, type Command, usageOf } from './command.ts'
import type { Flag, Options } from './options.ts'
import { suggest } from './suggest.ts'

/** Selects the path through the sidecar; an ENDPOINT cannot be given too. */
export const TCP_OPTION = {
  kind: 'flag',
  summary: 'connect over TCP, through the sidecar',
} as const satisfies Flag

/**
 * The endpoint on the command line; without one, that of the configuration.
 * @throws Failure `bad_endpoint` or `path_too_long`; CliError `usage` when both ENDPOINT and `--tcp` are given
 */
export function endpointArgument(
  { positionals: [text], values }: { positionals: readonly string[]; values: { readonly tcp: boolean } },
  fallback: { readonly socket: Endpoint; readonly tcp: Endpoint },
): Endpoint {
  if (text === undefined) return values.tcp ? fallback.tcp : fallback.socket
  if (values.tcp) throw usageError(`both ${text} and --tcp`, 'give only one of them')
  return parseEndpoint(text)
}

type Tokens = NonNullable<ReturnType<typeof parseArgs>['tokens']>
type OptionToken = Extract<Tokens[number], { kind: 'option' }>

/**
 * Parses the arguments after the command's name.
 * @throws CliError `usage` for an unknown option (with the most similar one), a missing or unexpected value, or too many
 * arguments
 */
export function parseArguments(args: readonly string[], command: Command): Arguments<Options> {
  const options = allOptions(command)
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.entries(options).map(forNode)),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const given = tokens.filter((token) => token.kind === 'option')
  const values = Object.fromEntries(given.map((token) => [token.name, readValue(token, options, command)]))
  checkCount(positionals, command)
  return { positionals, values: { ...fallbacks(options), ...values } }
}

function forNode([name, { kind, short }]: [string, Options[string]]): [
  string,
  ParseArgsOptionsConfig[string],
] {
  return [name, { type: kind === 'flag' ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) }]
}

function fallbacks(options: Options) {
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [
      name,
      option.kind === 'value' ? option.fallback : false,
    ]),
  )
}

function readValue(token: OptionToken, options: Options, command: Command): unknown {
  const option = options[token.name]
  if (option === undefined) throw unknownOption(token.rawName, options, command)
  if (option.kind === 'flag' && token.value !== undefined)
    throw usageError(`${token.rawName} takes no value`, `write ${token.rawName} alone`)
  if (option.kind === 'flag') return true
  if (token.value === undefined)
    throw usageError(
      `${token.rawName} needs a value`,
      `write ${token.rawName} ${option.placeholder}: ${option.summary}`,
    )
  return option.read(token.value, token.rawName)
}

function unknownOption(typed: string, options: Options, command: Command) {
  const near = suggest(
    typed,
    Object.keys(options).map((name) => `--${name}`),
  )
  return usageError(
    `${command.name} has no option ${typed}`,
    near === undefined ? `client ${command.name} --help lists its options` : `did you mean ${near}?`,
  )
}

function checkCount(positionals: readonly string[], command: Command): void {
  const surplus = positionals[command.maxPositionals]
  if (surplus === undefined) return
  throw usageError(`${command.name} does not take ${JSON.stringify(surplus)}`, `usage: ${usageOf(command)}`)
}
