import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import {
  BEARER,
  basic,
  type ClientStack,
  clientStack,
  PASSWORD,
  TOKEN,
  WRONG_BEARER,
} from '../testing/clients.ts'
import type { Conversation } from '../testing/conversation.ts'
import { type OnReceived, silent } from '../testing/raw-server.ts'

const NEXT_TOKEN = 'the-next-token-of-prometheus'
const NEXT_BEARER = `Authorization: Bearer ${NEXT_TOKEN}\r\n`
/** bcrypt of `open sesame`, and of `battery staple`, with the lowest cost. */
const SESAME = '$2b$04$nBUc9ii/EBX6zxCG40s2meCNu6mX.wsxxqOsjVvbuNN37wgGefGSG'
const STAPLE = '$2y$04$BobnU72ifSjRoAWThYdj7OzCsLac.k8W7v5Qt.doRuhGs.FsOpLjO'
const ANN = basic('ann:battery staple')

const RULES =
  'allow: [GET /long long for prometheus grafana, GET /up upgrade tcp for prometheus grafana, GET /a for prometheus grafana, GET /all long]'
const SWITCH = 'Connection: Upgrade\r\nUpgrade: tcp\r\n'

/** Begins a long response, or switches protocols, and echoes what comes then; ends other responses. */
const behaviour: OnReceived = (dialogue) => {
  const { socket, received } = dialogue
  dialogue.received = ''
  if (received.includes('Upgrade: tcp')) socket.write(`HTTP/1.1 101 UPGRADED\r\n${SWITCH}\r\n`)
  else if (/^GET .(long|all)/.test(received))
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n')
  else if (received.startsWith('GET')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  else socket.write(received)
}

const kinds = [
  {
    kind: 'long',
    request: (credential: string) => `GET /long HTTP/1.1\r\nHost: a\r\n${credential}\r\n`,
    begins: 'event',
  },
  {
    kind: 'upgrade',
    request: (credential: string) => `GET /up HTTP/1.1\r\nHost: a\r\n${credential}${SWITCH}\r\n`,
    begins: '\r\n\r\n',
  },
] as const

/** Replaces a file of the stack by a rename, so that nobody sees half of it. */
async function replace({ directory }: ClientStack, name: string, text: string): Promise<void> {
  await writeFile(directory.at('.next'), text)
  await rename(directory.at('.next'), directory.at(name))
}

/** The new content of a file is in use once a credential in it is accepted. */
async function untilAccepted(stack: ClientStack, credential: string): Promise<void> {
  await eventually('the new file to be in use', async () =>
    (await stack.ask('GET /a', credential)).startsWith('HTTP/1.1 200 '),
  )
}

function open({ sidecar }: ClientStack): number {
  const { long = 0, upgrade = 0 } = sidecar.routes[0]?.counters.tunnelsOpen ?? {}
  return long + upgrade
}

function notPermitted({ sidecar }: ClientStack): number | undefined {
  return sidecar.routes[0]?.counters.failures.get('not_permitted')
}

async function isCut(stack: ClientStack, client: Conversation): Promise<void> {
  await client.toItsEnd()
  assert.equal(client.ending, 'ECONNRESET')
  await eventually('the tunnel to be closed', () => open(stack) === 0)
  assert.equal(notPermitted(stack), 1)
}

for (const { kind, request, begins } of kinds) {
  describe(`a tunnel (${kind}) that a token has opened`, () => {
    it('is cut when the token is removed from its file', async () => {
      await using stack = await clientStack(RULES, { behaviour })
      const client = await stack.open().send(request(BEARER)).hears(begins)
      await replace(stack, 'prometheus', `${NEXT_TOKEN}\n`)
      await isCut(stack, client)
    })

    it('goes on while the file has the old token beside the new one', async () => {
      await using stack = await clientStack(RULES, { behaviour })
      const client = await stack.open().send(request(BEARER)).hears(begins)
      await replace(stack, 'prometheus', `${NEXT_TOKEN}\n${TOKEN}\n`)
      await untilAccepted(stack, NEXT_BEARER)
      assert.deepEqual([client.ending, open(stack)], [null, 1])
      await replace(stack, 'prometheus', `${NEXT_TOKEN}\n`)
      await isCut(stack, client)
    })

    it('goes on when the file of another client changes', async () => {
      await using stack = await clientStack(RULES, { behaviour })
      const client = await stack.open().send(request(BEARER)).hears(begins)
      await replace(stack, 'htpasswd', `ann:${STAPLE}\n`)
      await untilAccepted(stack, ANN)
      assert.deepEqual([client.ending, open(stack)], [null, 1])
    })

    it('goes on after a reload that changes nothing, and is cut when the token is removed later', async () => {
      await using stack = await clientStack(RULES, { behaviour })
      const client = await stack.open().send(request(BEARER)).hears(begins)
      await stack.apply(RULES.replace('GET /all long', 'GET /other'))
      assert.deepEqual([client.ending, open(stack)], [null, 1])
      await replace(stack, 'prometheus', `${NEXT_TOKEN}\n`)
      await isCut(stack, client)
    })
  })

  describe(`a tunnel (${kind}) that a password has opened`, () => {
    for (const [what, text] of [
      ['its user is removed from the file', `ann:${STAPLE}\n`],
      ['the user has another password', `grafana:${STAPLE}\n`],
      ['the hash is that of another user now', `ann:${SESAME}\n`],
    ] as const)
      it(`is cut when ${what}`, async () => {
        await using stack = await clientStack(RULES, { behaviour })
        const client = await stack.open().send(request(PASSWORD)).hears(begins)
        await replace(stack, 'htpasswd', text)
        await isCut(stack, client)
      })

    it('goes on when another user is added', async () => {
      await using stack = await clientStack(RULES, { behaviour })
      const client = await stack.open().send(request(PASSWORD)).hears(begins)
      await replace(stack, 'htpasswd', `ann:${STAPLE}\ngrafana:${SESAME}\n`)
      await untilAccepted(stack, ANN)
      assert.deepEqual([client.ending, open(stack)], [null, 1])
    })
  })

  describe(`a request (${kind}) whose upstream has not responded yet`, () => {
    it('gets 403 not_permitted when its token is removed', async () => {
      await using stack = await clientStack(RULES, { behaviour: silent })
      const client = stack.open().send(request(BEARER))
      await eventually('the request to be forwarded', () => open(stack) === 1)
      await replace(stack, 'prometheus', `${NEXT_TOKEN}\n`)
      await client.hears('"not_permitted"')
      assert.match(client.received, /^HTTP\/1\.1 403 /)
    })
  })
}

describe('a tunnel of a rule for everybody', () => {
  it('goes on when the token that its caller showed is removed', async () => {
    await using stack = await clientStack(RULES, { behaviour })
    const client = stack.open().send(`GET /all HTTP/1.1\r\nHost: a\r\n${BEARER}\r\n`)
    await client.hears('event')
    await replace(stack, 'prometheus', `${NEXT_TOKEN}\n`)
    await untilAccepted(stack, NEXT_BEARER)
    assert.deepEqual([client.ending, open(stack)], [null, 1])
  })
})

describe('the end of tunnels', () => {
  it('does not count as failed attempts of their caller', async () => {
    await using stack = await clientStack(RULES, { behaviour })
    const clients = Array.from({ length: 11 }, () => stack.open().send(kinds[0].request(BEARER)))
    for (const client of clients) await client.hears('event')
    await replace(stack, 'prometheus', `${NEXT_TOKEN}\n`)
    for (const client of clients) await client.toItsEnd()
    assert.match(await stack.ask('GET /a', WRONG_BEARER), /^HTTP\/1\.1 401 .*"bad_credentials"/s)
  })
})
