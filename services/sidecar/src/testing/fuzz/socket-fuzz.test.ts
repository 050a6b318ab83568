import assert from 'node:assert/strict'
import { it } from 'node:test'

import { aTurn, type Conversation } from '../conversation.ts'
import { type HttpStack, httpStack } from '../http-stack.ts'
import type { Dialogue } from '../raw-server.ts'
import { generateRequests } from './generate-request.ts'
import { type OracleMessage, read } from './oracle.ts'
import { Random } from './random.ts'
import { relayRequests } from './relay-model.ts'

/** Fewer cases than in fuzz.test.ts, because each opens its own connections. */
const CASES = Math.ceil(Number(process.env.FUZZ_CASES ?? 20_000) / 50)
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'

/** Responds as soon as the oracle has read a complete request. Never responds to one that is refused or incomplete. */
function respondWhenComplete(dialogue: Dialogue): void {
  const { messages } = read('request', Buffer.from(dialogue.received, 'latin1'))
  if (messages[0]?.complete && dialogue.socket.writable) dialogue.socket.end(OK)
}

/** Sends the input in pieces, then closes its side. */
async function sendInPieces(client: Conversation, input: Buffer, random: Random): Promise<void> {
  client.socket.setNoDelay(true)
  for (let at = 0; at < input.length; ) {
    const to = Math.min(input.length, at + 1 + random.below(random.pick([3, 40, 1_000])))
    client.send(input.subarray(at, to))
    at = to
    if (random.chance(3)) await aTurn()
  }
  client.socket.end()
}

type Message = readonly [method: string, target: string, body: string]

/** What the upstream has received, connection by connection, as the oracle reads it. */
function received(transcripts: readonly Dialogue[]): OracleMessage[] {
  return transcripts.flatMap(({ received }) => {
    const { messages, error } = read('request', Buffer.from(received, 'latin1'))
    assert.equal(error, null, `the oracle refuses what the upstream received: ${JSON.stringify(received)}`)
    assert.ok(messages.length <= 1, `the oracle reads ${messages.length} requests instead of one`)
    return messages
  })
}

async function checkCase(
  stack: HttpStack,
  transcripts: Set<Dialogue>,
  input: Buffer,
  random: Random,
): Promise<void> {
  transcripts.clear()
  using client = await stack.openAndWait()
  await sendInPieces(client, input, random)
  await client.toItsEnd()
  const expected = relayRequests(input).filter(({ complete }) => complete)
  const whole = received([...transcripts]).filter(({ complete }) => complete)
  const certain = expected.filter(({ isUncertain }) => !isUncertain).length
  assert.ok(whole.length >= certain, `${whole.length} requests reached the upstream instead of ${certain}`)
  assert.deepEqual(whole.map(messageOf), expected.slice(0, whole.length).map(messageOf))
}

function messageOf({ method, target, body }: Pick<OracleMessage, 'method' | 'target' | 'body'>): Message {
  return [method, target, body]
}

it(`over real sockets, the upstream receives from ${CASES} clients what the relay model forwards (FUZZ_SEED=${SEED})`, async () => {
  const transcripts = new Set<Dialogue>()
  const settings = 'timeouts: {body: 200ms, head: 200ms, halfClosed: 200ms}'
  await using stack = await httpStack((dialogue) => {
    transcripts.add(dialogue)
    respondWhenComplete(dialogue)
  }, settings)
  const random = new Random(SEED)
  for (let left = CASES; left > 0; left--) {
    const text = generateRequests(random)
    try {
      await checkCase(stack, transcripts, Buffer.from(text, 'latin1'), random)
    } catch (error) {
      throw new Error(`FUZZ_SEED=${SEED}, case ${CASES - left}: ${JSON.stringify(text)}`, { cause: error })
    }
  }
})
