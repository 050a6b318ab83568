// For interrupted.test.ts: a place that never ends.

import { test } from 'node:test'
import { docker } from '../docker.ts'
import { VERSION } from '../machine.ts'
import { runLabel } from '../made-by-run.ts'

test('a place that hangs', { timeout: 600_000 }, async () => {
  const label = ['--label', runLabel()]
  await docker('network', 'create', ...label, `uds-places-${process.pid}`)
  await docker('run', '--detach', ...label, '--volume', '/data', `uds-sidecar/podman:${VERSION}`)
  process.stdout.write('it runs\n')
  await new Promise(() => setInterval(() => undefined, 60_000))
})
