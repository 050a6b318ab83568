import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { EXIT } from '@uds-sidecar/shared/failure/exit-codes'
import { type Context, defineCommand } from '../cli/command.ts'
import { endpointArgument, TCP_OPTION } from '../cli/endpoint-argument.ts'
import { TIMEOUT_OPTION, type Valued } from '../cli/options.ts'
import { dialogue } from '../echo/dialogue.ts'
import { linesOf } from '../echo/lines-of.ts'
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
  summary: 'send lines of stdin, print what comes back',
  synopsis: '[ENDPOINT] [--tcp] [--message TEXT] [--timeout-ms MS]',
  maxPositionals: 1,
  options: { tcp: TCP_OPTION, message: MESSAGE_OPTION, 'timeout-ms': TIMEOUT_OPTION },
  examples: [
    ['echo ping | client echo', 'prints "echo: ping"'],
    ['client echo --tcp -m ping', 'one line, through the sidecar'],
  ],
  jsonShape: '{"received": LINE}, one line for each line that comes back',
  async run(args, context) {
    const endpoint = endpointArgument(args, { socket: context.config.echo, tcp: context.config.tcpEcho })
    const { message, 'timeout-ms': timeoutMs } = args.values
    if (message === undefined) return converse(endpoint, timeoutMs, context)
    for (const line of await dialogue(endpoint, message.split('\n'), timeoutMs)) print(line, context)
    return EXIT.ok
  },
})

/** Both directions at once, for as long as stdin lasts; only connecting has a time limit. */
async function converse(endpoint: Endpoint, timeoutMs: number, context: Context): Promise<number> {
  const socket = await dial(endpoint, { timeoutMs })
  await pipeBothWays(endpoint, context.stdin, socket, async (answers) => {
    if (!context.json) for await (const chunk of answers) await write(chunk, context)
    else for await (const line of linesOf(answers)) print(line, context)
  })
  return EXIT.ok
}

function print(line: string, { json, stdout }: Context): void {
  stdout.write(`${json ? JSON.stringify({ received: line }) : line}\n`)
}

/** Resolves when stdout can take more: a slow reader of ours slows the server down, and nothing piles up here. */
async function write(chunk: Buffer, { stdout }: Context): Promise<void> {
  if (!stdout.write(chunk)) await new Promise((resolve) => stdout.once('drain', resolve))
}
