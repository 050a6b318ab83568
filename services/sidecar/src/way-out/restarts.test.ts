/** A partner that is killed, or drains, and starts again while requests go on: only those on the wire may fail. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { Authority } from '@uds-sidecar/shared/testing/authority'
import {
  ask,
  assertExplained,
  clockMs,
  type Outage,
  type Outcome,
  PartnerLoad,
} from '@uds-sidecar/shared/testing/partner-load'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { localResolver, wayOutStack } from '../testing/partner.ts'

const PROGRAM = new URL(import.meta.resolve('@uds-sidecar/shared/testing/busy-partner-main')).pathname
const NAME = 'partner.example.org'
/** Nothing else on the machine has this address, so that its port stays free while the partner is away. */
const ADDRESS = '127.83.16.1'
const PORT = 8443
const RESTARTS = 50
const CLIENTS = 4

describe(`a partner that starts again ${RESTARTS} times under load`, () => {
  it('costs only requests that were on the wire, each with a true code, and executes no POST twice', async () => {
    await using authority = await Authority.create()
    const { certFile, keyFile } = await authority.issue({ names: `DNS:${NAME}` })
    const journal = authority.at('journal')
    const args = [PROGRAM, certFile, keyFile, journal, ADDRESS, `${PORT}`]
    const { resolver } = localResolver({ [NAME]: [ADDRESS] })
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${PORT}", upstreamTls: {ca: ${authority.certFile}}`,
      { resolver, allowAddresses: [`${ADDRESS}/32`] },
    )
    const endpoint = { kind: 'unix', path: stack.directory.at('out.sock') } as const
    const lines = async () => (await readFile(journal, 'utf8').catch(() => '')).split('\n')
    const outages: Outage[] = []
    const others: Outcome[] = []
    await using partner = new Restarted(args)

    await partner.start()
    await eventually('the partner to listen', async () => (await lines()).includes('up'))
    const load = new PartnerLoad(endpoint, CLIENTS)
    for (let start = 1; start <= RESTARTS; start++) {
      const signal = start % 2 === 0 ? 'SIGTERM' : 'SIGKILL'
      const served = load.outcomes.length
      await eventually('the load to go on', () => load.outcomes.length >= served + 2 * CLIENTS)
      const paths = [`/hold/${start}/a`, `/half/${start}/b`]
      const met = paths.flatMap((path) => ['GET', 'POST'].map((method) => ask(endpoint, method, path)))
      await eventually('requests to be on the wire', async () => {
        const seen = await lines()
        return paths.every((path) => seen.includes(`GET ${path}`) && seen.includes(`POST ${path}`))
      })

      const fromMs = clockMs()
      await partner.end(signal)
      const goneMs = clockMs()
      const alone = [await ask(endpoint, 'GET', '/quote/x'), await ask(endpoint, 'POST', `/quote/x${start}`)]
      assert.deepEqual(
        alone.map(({ result }) => result),
        ['503 connection_refused', '503 connection_refused'],
      )
      const cut = await Promise.all(met)
      const [, heldPost, ...halves] = cut.map(({ result }) => result)
      const isKill = signal === 'SIGKILL'
      assert.equal(heldPost, isKill ? '502 upstream_reset' : '200')
      assert.deepEqual(halves, isKill ? ['upstream_truncated', 'upstream_truncated'] : ['200', '200'])
      others.push(...cut, ...alone)
      await partner.start()
      await eventually('the partner to listen again', async () => {
        return (await lines()).filter((line) => line === 'up').length > start
      })
      outages.push({ fromMs, goneMs, upMs: clockMs() })
    }
    const outcomes = [...(await load.end()), ...others]
    assertExplained(outcomes, outages, await lines())
    for (const [code, result] of [
      ['upstream_reset', '502 upstream_reset'],
      ['connection_refused', '503 connection_refused'],
      ['upstream_truncated', 'upstream_truncated'],
    ] as const)
      assert.equal(stack.failures(code), outcomes.filter((outcome) => outcome.result === result).length, code)
  })
})

/** A process that is started again and again; killed at the end of the test. */
class Restarted implements AsyncDisposable {
  readonly #args: readonly string[]
  #child: ChildProcess | null = null

  constructor(args: readonly string[]) {
    this.#args = args
  }

  async start(): Promise<void> {
    this.#child = spawn(process.execPath, this.#args, { stdio: ['ignore', 'ignore', 'inherit'] })
    await once(this.#child, 'spawn')
  }

  /** Resolves when it has ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL')
  }
}
