import type { Command } from '../cli/command.ts'
import { type OptionWords, optionsOf } from './options-of.ts'

/** A completion function for bash: commands, their options, and the values of those that have a closed set. */
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

/** After an option that takes a value, that value alone is completed. */
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
