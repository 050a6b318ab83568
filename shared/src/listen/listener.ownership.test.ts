import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { Child } from '../testing/child.ts'
import { expectEvent, failureOf, startListening } from '../testing/start.ts'
import { tempDirectory } from '../testing/temp-directory.ts'

const FORGETFUL = new URL('../testing/forgetful.ts', import.meta.url)

describe('a listener that nobody keeps', () => {
  it('after garbage collection, still owns its path', async () => {
    await using directory = await tempDirectory()
    await using child = new Child(FORGETFUL, [directory.at('s')], { nodeArgs: ['--expose-gc'] })
    assert.equal(await child.next(), 'collected')
    const { code } = await failureOf({ endpoint: `unix:${directory.at('s')}` })
    assert.equal(code, 'in_use')
  })

  it('when its server is closed instead, takes the socket file away and lets the process end', async () => {
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
