import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { tempDirectory } from '../testing/files.ts'
import { Child } from '../testing/processes.ts'
import { expectEvent, failureOf, startListening } from '../testing/server-processes.ts'

describe('a listener without a reference to it', () => {
  it('after garbage collection, still owns its path', async () => {
    await using directory = await tempDirectory()
    await using child = new Child('serve-and-forget', [directory.at('s')], { nodeArgs: ['--expose-gc'] })
    assert.equal(await child.next(), 'collected')
    const { code } = await failureOf({ endpoint: `unix:${directory.at('s')}` })
    assert.equal(code, 'in_use')
  })

  it('when its server is closed instead, removes the socket file and lets the process end', async () => {
    await using directory = await tempDirectory()
    const endpoint = `unix:${directory.at('s')}`
    await using child = await startListening({ endpoint, closeServer: true })
    child.send('close')
    await expectEvent(child, 'draining')
    assert.equal((await expectEvent(child, 'closed')).reason, 'closed')
    assert.equal(await child.ended(), 0)
    assert.equal(existsSync(directory.at('s')), false)
  })
})
