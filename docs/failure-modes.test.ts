import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { dialFailure } from '@uds-sidecar/shared/dial/dial-failure'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { APP_FAILURES, type AppFailureCode } from '../services/app/src/failures.ts'

const ROOT = join(import.meta.dirname, '..')
const ROW =
  /^\| (?<condition>[^|]+) \| (?<errnos>[^|]*)\| `(?<code>\w+)` \| (?<status>\d*) ?\| (?<exitCode>\d+) \| `(?<proof>[^`]+)` \|$/gm

/** An endpoint for each code that dial decides by the errno, or by errno and file. */
const DIALLED: Partial<Record<AppFailureCode, Endpoint>> = {
  socket_missing: { kind: 'unix', path: '/nothing/here.sock' },
  socket_stale: { kind: 'unix', path: '/nothing/here.sock' },
  socket_denied: { kind: 'unix', path: '/nothing/here.sock' },
  not_a_socket: { kind: 'unix', path: import.meta.filename },
  backlog_full: { kind: 'unix', path: '/nothing/here.sock' },
  connection_refused: { kind: 'tcp', host: 'localhost', port: 1 },
  host_unreachable: { kind: 'tcp', host: 'localhost', port: 1 },
  host_unknown: { kind: 'tcp', host: 'localhost', port: 1 },
  overloaded: { kind: 'unix', path: '/nothing/here.sock' },
}

const page = readFileSync(join(ROOT, 'docs/failure-modes.md'), 'utf8')
const rows = [...page.matchAll(ROW)].map(({ groups = {} }) => groups)

describe('docs/failure-modes.md', () => {
  it('has each code of the failure table exactly once', () => {
    assert.deepEqual(rows.map(({ code }) => code).sort(), Object.keys(APP_FAILURES).sort())
  })

  it('has every exit code', () => {
    const documented = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, exitCode]) => Number(exitCode))
    assert.deepEqual(documented, Object.values(EXIT))
  })

  for (const { code = '', errnos = '', status, exitCode, proof = '' } of rows) {
    it(`has status and exit code of ${code}`, () => {
      const row = APP_FAILURES[code as AppFailureCode]
      assert.deepEqual([status ? Number(status) : null, Number(exitCode)], [row.status, row.exitCode])
    })

    const endpoint = DIALLED[code as AppFailureCode]
    for (const errno of endpoint === undefined ? [] : errnos.trim().split(', ')) {
      it(`maps ${errno} to ${code}, as dial does`, async () => {
        const cause = Object.assign(new Error(errno), { code: errno })
        assert.equal((await dialFailure(endpoint as Endpoint, cause)).code, code)
      })
    }

    it(`names a test that mentions ${code}`, () => {
      assert.match(readFileSync(join(ROOT, proof), 'utf8'), new RegExp(`\\b${code}\\b`))
    })
  }
})
