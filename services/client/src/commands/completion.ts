import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { usageError } from '../cli/cli-error.ts'
import { type Command, defineCommand } from '../cli/command.ts'
import { bashCompletion, zshCompletion } from '../completion/completion.ts'

const SHELLS: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
}

const NAMES = Object.keys(SHELLS)

export const command = defineCommand({
  name: 'completion',
  summary: 'print a completion script for bash or zsh',
  positionals: NAMES.join('|'),
  maxPositionals: 1,
  words: NAMES,
  options: {},
  examples: [
    ['source <(client completion bash)', 'in ~/.bashrc'],
    ['source <(client completion zsh)', 'in ~/.zshrc, after compinit'],
  ],
  jsonShape: '{"script": TEXT}',
  async run({ positionals: [shell = ''] }, { json, stdout, allCommands }) {
    const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined
    if (script === undefined)
      throw usageError(`no completion for ${JSON.stringify(shell)}`, `it may be ${NAMES.join(', ')}`)
    const text = script(await allCommands())
    stdout.write(json ? `${JSON.stringify({ script: text })}\n` : text)
    return EXIT.ok
  },
})
