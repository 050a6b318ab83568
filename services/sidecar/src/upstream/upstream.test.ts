import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { rawServer } from '../testing/raw-server.ts'
import { Upstream } from './upstream.ts'

type Line = Record<string, unknown> & { level: string; msg: string }

/** A log that keeps its lines for assertions. */
function recordingLog(): { log: Logger; lines: Line[] } {
  const lines: Line[] = []
  const at = (level: string) => (fields: object, msg: string) => void lines.push({ ...fields, level, msg })
  const log = { info: at('info'), warn: at('warn'), error: at('error') } as unknown as Logger
  return { log, lines }
}

const timeout = () => new Failure('upstream_timeout', { message: 'too slow', hint: 'wait' })

describe('the state of an upstream', () => {
  it('is logged once per change, with the file, the generation and the identity of this process', async () => {
    await using run = await tempDirectory()
    const { log, lines } = recordingLog()
    await using upstream = new Upstream({ kind: 'unix', path: `${run.path}/u` }, 1_000, log)
    for (let i = 0; i < 3; i++) await upstream.probe()
    await using _ = await rawServer(`${run.path}/u`, () => undefined)
    for (let i = 0; i < 3; i++) await upstream.probe()
    assert.deepEqual(
      lines.map(({ level, code }) => [level, code]),
      [
        ['warn', 'socket_missing'],
        ['info', undefined],
      ],
    )
    assert.equal(lines[0]?.ownUid, process.getuid?.())
    assert.equal(lines[1]?.generation, 1)
    assert.match(JSON.stringify(lines[1]?.socket), /"kind":"socket"/)
  })

  it('has the hint of the latest failure, even one that is not logged again so soon', async () => {
    await using run = await tempDirectory()
    const { log, lines } = recordingLog()
    await using upstream = new Upstream({ kind: 'unix', path: `${run.path}/u` }, 1_000, log)
    const failure = (code: 'socket_missing' | 'socket_stale') =>
      new Failure(code, { message: code, hint: `mend ${code}` })
    for (const code of ['socket_missing', 'socket_stale', 'socket_missing'] as const) {
      upstream.reportDown(failure(code))
      assert.equal(upstream.state.hint, `mend ${code}`)
    }
    assert.deepEqual(
      lines.map(({ code }) => code),
      ['socket_missing', 'socket_stale'],
    )
  })

  it('is troubled, and logged once, while the upstream accepts connections without responding', async () => {
    await using run = await tempDirectory()
    const { log, lines } = recordingLog()
    await using _ = await rawServer(`${run.path}/u`, () => undefined)
    await using upstream = new Upstream({ kind: 'unix', path: `${run.path}/u` }, 1_000, log)
    await upstream.probe()
    for (let i = 0; i < 3; i++) {
      upstream.reportConnected()
      upstream.reportTrouble(timeout())
    }
    assert.equal(upstream.isTroubled, true)
    upstream.reportAnswered()
    await eventually('the recovery to be logged', () => lines.length === 3)
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['info', 'warn', 'info'],
    )
    assert.equal(upstream.state.lastFailure?.code, 'upstream_timeout')
  })

  it('is logged as an error when a regular file is at the path', async () => {
    await using run = await tempDirectory()
    await writeFile(`${run.path}/u`, '')
    const { log, lines } = recordingLog()
    await using upstream = new Upstream({ kind: 'unix', path: `${run.path}/u` }, 1_000, log)
    const state = await upstream.probe()
    assert.equal(state.lastFailure?.code, 'not_a_socket')
    assert.equal(state.facts?.kind, 'regular file')
    assert.equal(state.generation, 0, 'a regular file counts as a socket')
    assert.deepEqual(
      lines.map(({ level, code }) => [level, code]),
      [['error', 'not_a_socket']],
    )
  })
})
