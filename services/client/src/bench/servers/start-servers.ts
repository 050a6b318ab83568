import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { parseEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { linesOf } from '../../echo/dialogue.ts'
import type { BenchProtocol } from '../settings.ts'
import { TARGET_NAMES, type Target, type TargetName } from '../target.ts'

/** Beside this file: its source in a checkout, its bundle in the image (`scripts/bundle.ts`). */
const PROGRAM = new URL(`./servers-main${extname(import.meta.filename)}`, import.meta.url).pathname

type Endpoints = Readonly<Record<BenchProtocol, Partial<Record<TargetName, string>>>>

export interface Servers extends AsyncDisposable {
  targets(protocol: BenchProtocol): Target[]
}

/**
 * Starts the measured servers in another process, so that client and server do not share an event loop.
 * @throws Failure `io_error` when they do not start; the reason is on stderr
 */
export async function startServers(): Promise<Servers> {
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // Ctrl-C signals only the client, which then ends this process
  })
  const ended = once(child, 'exit')
  const { value: line } = await linesOf(child.stdout).next()
  if (line === undefined) throw notStarted()
  const endpoints = JSON.parse(line) as Endpoints
  const end = async () => {
    child.stdin.end()
    await ended
  }
  return { targets: (protocol) => targetsOf(endpoints[protocol]), [Symbol.asyncDispose]: end }
}

function targetsOf(endpoints: Partial<Record<TargetName, string>>): Target[] {
  return TARGET_NAMES.flatMap((name) => {
    const text = endpoints[name]
    return text === undefined ? [] : [{ name, endpoint: parseEndpoint(text) }]
  })
}

function notStarted(): Failure {
  return new Failure('io_error', {
    message: 'the benchmark servers did not start',
    hint: 'see their output above',
  })
}
