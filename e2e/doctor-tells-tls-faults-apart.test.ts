// `client doctor` tells apart why a port of the real sidecar with TLS does not let it in, and says what to do: each fault
// has a finding and an exit code of its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedStack } from './support/stack.ts'

const PAPERS = '/run/certificates'
const CA = ['--cacert', `${PAPERS}/ca.crt`]
const CERTIFICATE = ['--cert', `${PAPERS}/tls.crt`, '--key', `${PAPERS}/tls.key`]
const METRICS = 'tcp://sidecar:9464'
const API = 'tcp://sidecar:8443'

const FAULTS: readonly (readonly [
  what: string,
  args: readonly string[],
  finding: string,
  exitCode: number,
])[] = [
  ['an authority that it does not trust', ['--tls', METRICS], 'certificate_untrusted', 69],
  ['another name', [...CA, '--servername', 'other.example', METRICS], 'certificate_wrong_name', 69],
  ['plain text on a port with TLS', [API], 'tls_required', 64],
  ['TLS on a plain port', [...CA, 'tcp://sidecar:8080'], 'no_tls', 69],
  ['no identity', [...CA, METRICS], 'credential_missing', 77],
  ['an unknown token', [...CA, '--token-file', '/tmp/token', METRICS], 'credential_wrong', 77],
]

test('doctor tells TLS faults apart', async (t) => {
  const client = (await sharedStack(t)).service('client')
  await client.inside(async () => {
    const { writeFile } = await import('node:fs/promises')
    await writeFile('/tmp/token', 'a-token-that-nobody-has\n')
  })
  const doctor = async (...args: string[]) => {
    const { exitCode, stdout } = await client.exec('client', 'doctor', '--json', ...args)
    const { diagnoses } = JSON.parse(stdout)
    return { exitCode, finding: diagnoses[0].finding }
  }

  for (const [what, args, name, expected] of FAULTS)
    await t.test(`${what}: ${name}`, async () => {
      const { exitCode, finding } = await doctor(...args)
      assert.equal(finding?.name, name)
      assert.equal(exitCode, expected)
      assert.notEqual(finding.fixes.length, 0)
    })

  await t.test('with its certificate it is let in', async () => {
    assert.deepEqual(await doctor(...CA, ...CERTIFICATE, METRICS), { exitCode: 0, finding: null })
  })
})
