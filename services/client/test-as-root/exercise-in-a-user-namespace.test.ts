import assert from 'node:assert/strict'
import { chown } from 'node:fs/promises'
import { it } from 'node:test'
import { GROUP, inUserNamespace, OWNER, requireRoot } from '@uds-sidecar/shared/testing/users'
import type { Outcome } from '../src/exercise/check.ts'
import { runClient } from '../src/testing/run-client.ts'
import { startSmallStack } from '../src/testing/small-stack.ts'

requireRoot()

it('exercise as root of a user namespace still checks that a socket of an owner who is not mapped is denied', async () => {
  await using stack = await startSmallStack()
  await chown(`${stack.directory}/admin.sock`, OWNER, GROUP)
  const { stdout } = await runClient(['exercise', '--json'], { ...inUserNamespace(), env: stack.env })
  const { checks }: { checks: readonly Outcome[] } = JSON.parse(stdout)
  const admin = checks.find(({ what }) => what === 'connect: only its owner may')
  assert.deepEqual([admin?.result, admin?.observed], ['ok', 'socket_denied (EACCES)'])
  const metrics = checks.find(({ what }) => what === 'connect: only its group may')
  assert.equal(metrics?.result, 'not shown')
})
