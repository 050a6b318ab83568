import type { Command } from '../cli/command.ts'
import { type OptionWords, optionsOf } from './options-of.ts'

/** A completion function for zsh, with the summaries. */
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
