import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { linesOf } from '../../echo/dialogue.ts'
import type { BenchProtocol } from '../settings.ts'
import { TARGET_NAMES, type Target, type TargetName } from '../target.ts'

const PROGRAM = fileURLToPath(import.meta.resolve('@uds-sidecar/client/servers-main')) // also from a bundle

type Ways = Readonly<Record<BenchProtocol, Partial<Record<TargetName, string>>>>

export interface Servers extends AsyncDisposable {
  targets(protocol: BenchProtocol): Target[]
}

/**
 * Starts what is measured in processes of their own: client and server then do not share an event loop.
 * @throws Failure `io_error` when they do not come up; they have said why on stderr
 */
export async function startServers(): Promise<Servers> {
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // Ctrl-C is for the client, which then ends this one
  })
  const ended = once(child, 'exit')
  const { value: line } = await linesOf(child.stdout).next()
  if (line === undefined) throw notStarted()
  const ways = JSON.parse(line) as Ways
  const end = async () => {
    child.stdin.end()
    await ended
  }
  return { targets: (protocol) => targetsOf(ways[protocol]), [Symbol.asyncDispose]: end }
}

function targetsOf(ways: Partial<Record<TargetName, string>>): Target[] {
  return TARGET_NAMES.flatMap((name) => {
    const text = ways[name]
    return text === undefined ? [] : [{ name, endpoint: parseEndpoint(text) }]
  })
}

function notStarted(): Failure {
  return new Failure('io_error', {
    message: 'the servers to measure did not start',
    hint: 'see what they said above',
  })
}
