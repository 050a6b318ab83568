import { allOptions, type Command } from '../cli/command.ts'
import type { Options } from '../cli/options.ts'

/** An option as a completion script needs it. */
interface OptionWords {
  /** With its dashes. */
  readonly name: string
  readonly summary: string
  /** What may follow: one of these words, a file name, any text, or nothing. */
  readonly value: readonly string[] | 'file' | 'anything' | 'none'
}

function optionsOf(command: Command): OptionWords[] {
  return Object.entries(allOptions(command)).map(([name, option]) => ({
    name: `--${name}`,
    summary: option.summary,
    value: valueAfter(option),
  }))
}

function valueAfter(option: Options[string]): OptionWords['value'] {
  if (option.kind === 'flag') return 'none'
  return option.choices ?? (option.placeholder === 'FILE' ? 'file' : 'anything')
}

/** A completion function for bash: commands, their options, and option values that are a closed set. */
export function bashCompletion(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name)
  return `_client() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${[...names, '--help', '--version'].join(' ')}' -- "$current"))
    return
  fi
  case "$command $previous" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case $command in
${commands.map(optionCase).join('\n')}
  esac
}
complete -o default -F _client client
`
}

/** After an option that takes a value, only that value is completed. */
function valueCases(command: Command): string[] {
  return optionsOf(command)
    .filter(({ value }) => value !== 'none')
    .map((option) => `    '${command.name} ${option.name}') ${valueReply(option)} return ;;`)
}

function valueReply({ value }: OptionWords): string {
  if (Array.isArray(value)) return `COMPREPLY=($(compgen -W '${value.join(' ')}' -- "$current"));`
  return value === 'file' ? 'COMPREPLY=($(compgen -f -- "$current"));' : ''
}

function optionCase(command: Command): string {
  const words = [...(command.words ?? []), ...optionsOf(command).map(({ name }) => name)]
  return `    ${command.name}) COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$current")) ;;`
}

/** A completion function for zsh, which shows the summaries too. */
export function zshCompletion(commands: readonly Command[]): string {
  return `#compdef client
_client() {
  if (( CURRENT == 2 )); then
    local -a commands=(
${commands.map(({ name, summary }) => `      ${quoted(`${name}:${summary}`)}`).join('\n')}
    )
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(commandCase).join('\n')}
  esac
}
compdef _client client
`
}

function commandCase(command: Command): string {
  const words = command.words === undefined ? [] : [quoted(`1:word:(${command.words.join(' ')})`)]
  const specs = [...words, ...optionsOf(command).map(optionSpec)].map((spec) => ` \\\n      ${spec}`)
  return `    ${command.name}) _arguments${specs.join('')} ;;`
}

function optionSpec({ name, summary, value }: OptionWords): string {
  const described = `${name}[${summary.replaceAll(/[[\]:]/g, '\\$&')}]`
  if (value === 'none') return quoted(described)
  const action = Array.isArray(value) ? `(${value.join(' ')})` : value === 'file' ? '_files' : ''
  return quoted(`${described}:value:${action}`)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
