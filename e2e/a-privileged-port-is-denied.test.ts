// The kernel reserves some ports for privileged processes. The sidecar, which has no capability, exits with 77 and says
// why.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { image } from './support/engine.ts'
import { runToEnd } from './support/own-container.ts'

test('a privileged port is denied', async () => {
  const { exitCode, stderr } = await runToEnd({
    image: image('sidecar'),
    env: { SIDECAR_LISTEN: 'tcp://0.0.0.0:80', SIDECAR_UPSTREAM: 'unix:/run/app/metrics.sock' },
    sysctls: { 'net.ipv4.ip_unprivileged_port_start': '1024' }, // engines usually let containers have them all
  })
  assert.equal(exitCode, 77)
  assert.match(
    stderr,
    /^sidecar: address_denied: cannot listen on tcp:\/\/0\.0\.0\.0:80: .* \(EACCES\)\n {2}hint: use a port from 1024 up/,
  )
})
