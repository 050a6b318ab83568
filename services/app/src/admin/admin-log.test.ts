import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { WITHOUT_FFI } from '@uds-sidecar/shared/testing/processes'

const MAIN = new URL('../main.ts', import.meta.url).pathname

type Call = readonly [method: string, path: string]

/** The lines that the app logs of calls to its admin socket. */
async function logOf(calls: readonly Call[], nodeArgs: readonly string[] = []) {
  await using directory = await tempDirectory()
  const names = ['METRICS', 'API', 'ECHO', 'ADMIN', 'REDIS']
  const env = Object.fromEntries(names.map((name) => [`APP_${name}`, `unix:${directory.at(name)}`]))
  const app = spawn(process.execPath, [...nodeArgs, MAIN], {
    env: { ...process.env, ...env, APP_CHAOS: 'on' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const lines: { readonly msg: string; readonly caller: unknown }[] = []
    for await (const line of createInterface(app.stdout)) {
      const { msg, caller } = JSON.parse(line)
      if (msg === 'ready') await make(calls, directory.at('ADMIN'))
      if (caller !== undefined) lines.push({ msg, caller })
      if (lines.length === calls.length) break
    }
    return lines
  } finally {
    app.kill('SIGKILL')
  }
}

async function make(calls: readonly Call[], admin: string): Promise<void> {
  // The crash among them ends its connection without a response.
  for (const [method, path] of calls)
    await request({ kind: 'unix', path: admin }, { method, path }).catch(() => undefined)
}

describe('the log of the admin socket', () => {
  it('says of each change who asked for it', async () => {
    const lines = await logOf([
      ['POST', '/chaos/delay?ms=1'],
      ['POST', '/chaos/hang?on=false'],
      ['PUT', '/log-level?level=warn'],
      ['POST', '/chaos/crash'],
    ])
    const us = { uid: process.geteuid?.(), gid: process.getegid?.(), pid: process.pid }
    assert.deepEqual(
      lines.map(({ msg, caller }) => [msg, caller]),
      [
        ['fault injected: delay', us],
        ['fault injected: hang', us],
        ['log level changed', us],
        ['fault injected: crash', us],
      ],
    )
  })

  it('says so where it cannot know who asked', async () => {
    const [line] = await logOf([['POST', '/chaos/delay?ms=1']], WITHOUT_FFI)
    assert.deepEqual([line?.msg, line?.caller], ['fault injected: delay', 'unknown caller'])
  })
})
