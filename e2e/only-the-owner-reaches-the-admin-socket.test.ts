// The 0600 admin socket is for uid 10001 only: the same uid connects from another container. A member of the
// directory's group, a stranger and root without capabilities cannot.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialFrom } from './support/connections.ts'
import { startProbe } from './support/own-container.ts'
import { sharedStack } from './support/stack.ts'

const ADMIN = 'unix:/run/app/api/admin.sock'
const API = 'unix:/run/app/api/api.sock'
const CONNECTED = 'connected'
const DENIED = 'socket_denied (EACCES)'

const CALLERS = [
  // The directory lets in its owner and its group, whatever the mode of the socket.
  {
    who: 'its owner, from another container',
    user: '10001:10001',
    groups: [],
    admin: CONNECTED,
    api: CONNECTED,
  },
  { who: 'a member of the group', user: '10003:10003', groups: [10_200], admin: DENIED, api: CONNECTED },
  {
    who: 'a process whose primary group it is',
    user: '10003:10200',
    groups: [],
    admin: DENIED,
    api: CONNECTED,
  },
  { who: 'a stranger', user: '10003:10003', groups: [], admin: DENIED, api: DENIED },
  { who: 'a member of another group', user: '10003:10003', groups: [10_100], admin: DENIED, api: DENIED },
  { who: 'root without capabilities', user: '0:0', groups: [10_200], admin: DENIED, api: CONNECTED },
]

test('only the owner reaches the admin socket', async (t) => {
  const stack = await sharedStack(t)
  const mounts = [`${stack.volume('api-socket')}:/run/app/api:ro`]

  for (const { who, user, groups, admin, api } of CALLERS) {
    await t.test(`${who}: admin.sock ${admin}, api.sock ${api}`, async (t) => {
      await using probe = await startProbe(t, { user, groups, mounts })
      assert.deepEqual(
        { admin: await dialFrom(probe, ADMIN), api: await dialFrom(probe, API) },
        { admin, api },
      )
    })
  }
})
