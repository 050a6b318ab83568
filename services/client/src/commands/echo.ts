import { StringDecoder } from 'node:string_decoder'
import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { visibleJson, visibleLines } from '@uds-sidecar/shared/text/visible'
import { type Reach, reachOf } from '../access/access.ts'
import { TLS_OPTIONS } from '../access/access-options.ts'
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
    raw: { kind: 'flag', summary: 'print what comes back byte for byte, with control characters' },
    'timeout-ms': TIMEOUT_OPTION,
    ...TLS_OPTIONS,
  },
  examples: [
    ['echo ping | client echo', 'prints "echo: ping"'],
    ['client echo --tcp -m ping', 'one line, through the sidecar'],
  ],
  jsonShape: '{"received": LINE}, one line for each line that comes back',
  async run(args, context) {
    const endpoint = endpointArgument(args, { socket: context.config.echo, tcp: context.config.tcpEcho })
    const { message, raw, 'timeout-ms': timeoutMs } = args.values
    if (raw && context.json) throw usageError('--raw cannot be combined with --json', 'use only one of them')
    const form: Form = context.json ? 'json' : raw ? 'raw' : 'shown'
    const reach = await reachOf(endpoint, args.values, context.config)
    if (message === undefined) return converse(endpoint, reach, timeoutMs, form, context)
    for (const line of await dialogue(endpoint, message.split('\n'), timeoutMs, reach.tls))
      print(line, form, context)
    return EXIT.ok
  },
})

/** How to print a response: `shown` escapes control characters except line feeds and tabs. */
type Form = 'shown' | 'raw' | 'json'

/** Sends and receives at the same time until stdin ends. Only connecting has a time limit. */
async function converse(
  endpoint: Endpoint,
  { tls }: Reach,
  timeoutMs: number,
  form: Form,
  context: Context,
): Promise<number> {
  const socket = await dial(endpoint, { timeoutMs, tls })
  await pipeBothWays(endpoint, context.stdin, socket, async (received) => {
    if (form === 'json') for await (const line of linesOf(received)) print(line, form, context)
    else if (form === 'raw') for await (const chunk of received) await write(chunk, context)
    else await show(received, context)
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

/** Prints each piece as it arrives, because a line may never end. A character split between two pieces is printed whole. */
async function show(received: AsyncIterable<Buffer>, context: Context): Promise<void> {
  const decoder = new StringDecoder('utf8')
  for await (const chunk of received) await write(visibleLines(decoder.write(chunk)), context)
  await write(visibleLines(decoder.end()), context)
}

/** Resolves when stdout can take more: a slow reader of stdout then slows the server down, and no buffer grows here. */
async function write(chunk: Buffer | string, { stdout }: Context): Promise<void> {
  if (!stdout.write(chunk)) await new Promise((resolve) => stdout.once('drain', resolve))
}
