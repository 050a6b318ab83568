import { usageError } from '../cli/cli-error.ts'
import type { Flag, Options, Valued } from '../cli/options.ts'
import { isStackPort, STACK_PORTS, type StackPort } from '../config.ts'

const file = (summary: string) =>
  ({
    kind: 'value',
    placeholder: 'FILE',
    summary,
    read: notEmpty,
    fallback: undefined,
  }) as const satisfies Valued<string | undefined>

/** How a command speaks TLS. */
export const TLS_OPTIONS = {
  tls: {
    kind: 'flag',
    summary: 'speak TLS to tcp:// endpoints, and trust the CAs of the system and of Node',
  } satisfies Flag,
  cacert: file('speak TLS, and trust only the CAs in this file (PEM)'),
  cert: file('speak TLS, and present this certificate (PEM); needs --key'),
  key: file('the key of --cert (PEM)'),
  servername: {
    kind: 'value',
    placeholder: 'NAME',
    summary: 'the name that the certificate of the server must have, instead of the host',
    read: notEmpty,
    fallback: undefined,
  } satisfies Valued<string | undefined>,
} as const satisfies Options

/** TLS, and who asks: for commands that speak HTTP. */
export const ACCESS_OPTIONS = {
  ...TLS_OPTIONS,
  'token-file': file(
    'send the token in this file (Authorization: Bearer); only over TLS, loopback or a socket',
  ),
} as const satisfies Options

/** The same for commands that go through the whole stack, in which some ports speak TLS and others do not. */
export const STACK_ACCESS_OPTIONS = {
  ...ACCESS_OPTIONS,
  'tls-for': {
    kind: 'value',
    placeholder: 'NAME[,...]',
    summary: `speak TLS, and send the token, only to these ports of the stack: ${Object.keys(STACK_PORTS).join(', ')} (all)`,
    read: portNames,
    fallback: undefined,
  } satisfies Valued<readonly StackPort[] | undefined>,
} as const satisfies Options

function notEmpty(text: string, option: string): string {
  if (text !== '') return text
  throw usageError(`${option} is empty`, `write a value after ${option}`)
}

function portNames(text: string, option: string): readonly StackPort[] {
  return text.split(',').map((name) => {
    if (isStackPort(name)) return name
    throw usageError(
      `${option} has ${JSON.stringify(name)}`,
      `it may have ${Object.keys(STACK_PORTS).join(', ')}, with commas between them`,
    )
  })
}
