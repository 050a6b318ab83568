import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { tempDirectory } from './testing/files.ts'

const PROGRAM = fileURLToPath(new URL('healthcheck.ts', import.meta.url))
const run = promisify(execFile)

/** The exit code of the program when the server responds with this status. */
async function check(status: number): Promise<{ code: number; stderr: string }> {
  await using directory = await tempDirectory()
  const server = createServer((_, response) => response.writeHead(status).end('not now')).listen(
    directory.at('s'),
  )
  await once(server, 'listening')
  try {
    const { stderr } = await run(process.execPath, [PROGRAM, `unix:${directory.at('s')}`, '/-/healthy'])
    return { code: 0, stderr }
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string }
    return { code, stderr }
  } finally {
    server.close()
  }
}

describe('the health check', () => {
  it('ends with 0 for 2xx', async () => {
    assert.equal((await check(200)).code, 0)
    assert.equal((await check(204)).code, 0)
  })

  it('ends with 69 and unhealthy for any other status', async () => {
    for (const status of [301, 404, 503]) {
      const { code, stderr } = await check(status)
      assert.equal(code, 69)
      assert.match(stderr, /unhealthy.*not now/s)
    }
  })

  it('does nothing when it is imported', async () => {
    const { stdout, stderr } = await run(process.execPath, [
      '--input-type=module',
      '-e',
      `await import('${PROGRAM}')`,
    ])
    assert.equal(stdout + stderr, '')
  })
})
