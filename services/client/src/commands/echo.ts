import { StringDecoder } from 'node:string_decoder'
import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { visibleJson, visibleLines } from '@uds-sidecar/shared/text/visible'
import { usageError } from '../cli/cli-error.ts'
import { type Context, defineCommand } from '../cli/command.ts'
import { TIMEOUT_OPTION, type Valued } from '../cli/options.ts'
import { endpointArgument, TCP_OPTION } from '../cli/parse-arguments.ts'
import { dialogue, linesOf } from '../echo/dialogue.ts'
import { pipeBothWays } from '../echo/pipe-both-ways.ts'

const MESSAGE_OPTION = {
  kind: 'value',
  short: 'm',
  placeholder: 'TEXT',
  summary: 'send this one line instead of stdin',
  read: (text) => text,
  fallback: undefined,
} as const satisfies Valued<string | undefined>

export const command = defineCommand({
  name: 'echo',
  summary: 'send the lines of stdin, print what comes back',
  positionals: '[ENDPOINT]',
  maxPositionals: 1,
  options: {
    tcp: TCP_OPTION,
    message: MESSAGE_OPTION,
    raw: { kind: 'flag', summary: 'what comes back byte for byte, control characters too' },
    'timeout-ms': TIMEOUT_OPTION,
  },
  examples: [
    ['echo ping | client echo', 'prints "echo: ping"'],
    ['client echo --tcp -m ping', 'one line, through the sidecar'],
  ],
  jsonShape: '{"received": LINE}, one line for each line that comes back',
  async run(args, context) {
    const endpoint = endpointArgument(args, { socket: context.config.echo, tcp: context.config.tcpEcho })
    const { message, raw, 'timeout-ms': timeoutMs } = args.values
    if (raw && context.json) throw usageError('--raw with --json', 'give one of them')
    const form: Form = context.json ? 'json' : raw ? 'raw' : 'shown'
    if (message === undefined) return converse(endpoint, timeoutMs, form, context)
    for (const line of await dialogue(endpoint, message.split('\n'), timeoutMs)) print(line, form, context)
    return EXIT.ok
  },
})

/** How to write what came back: `shown` writes control characters as text, but for line feeds and tabs. */
type Form = 'shown' | 'raw' | 'json'

/** Both directions at once, for as long as stdin lasts; only connecting has a time limit. */
async function converse(
  endpoint: Endpoint,
  timeoutMs: number,
  form: Form,
  context: Context,
): Promise<number> {
  const socket = await dial(endpoint, { timeoutMs })
  await pipeBothWays(endpoint, context.stdin, socket, async (answers) => {
    if (form === 'json') for await (const line of linesOf(answers)) print(line, form, context)
    else if (form === 'raw') for await (const chunk of answers) await write(chunk, context)
    else await show(answers, context)
  })
  return EXIT.ok
}

function print(line: string, form: Form, { stdout }: Context): void {
  const text = {
    json: () => visibleJson({ received: line }),
    raw: () => line,
    shown: () => visibleLines(line),
  }
  stdout.write(`${text[form]()}\n`)
}

/** Piece by piece as it comes, for a line may never end; a character that is cut in two waits for its rest. */
async function show(answers: AsyncIterable<Buffer>, context: Context): Promise<void> {
  const decoder = new StringDecoder('utf8')
  for await (const chunk of answers) await write(visibleLines(decoder.write(chunk)), context)
  await write(visibleLines(decoder.end()), context)
}

/** Resolves when stdout can take more: a slow reader of ours slows the server down, and nothing piles up here. */
async function write(chunk: Buffer | string, { stdout }: Context): Promise<void> {
  if (!stdout.write(chunk)) await new Promise((resolve) => stdout.once('drain', resolve))
}
