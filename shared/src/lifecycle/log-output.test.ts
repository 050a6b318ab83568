import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { eventually } from '../testing/waiting.ts'
import { LogOutput } from './log-output.ts'

/** A reader that takes as many bytes as the test allows. */
function slowReader(roomBytes = 0) {
  const reader = { text: '', roomBytes, tries: 0 }
  const output = new LogOutput((bytes) => {
    reader.tries += 1
    const taken = bytes.subarray(0, reader.roomBytes)
    if (taken.length === 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' })
    reader.roomBytes -= taken.length
    reader.text += Buffer.from(taken).toString()
    return taken.length
  })
  return { reader, output }
}

describe('the output of a log', () => {
  it('joins lines that are offered soon after each other into one write', async () => {
    const { reader, output } = slowReader(1_000)
    for (const line of ['a\n', 'b\n', 'c\n']) assert.equal(output.offer(line), true)
    await eventually('the lines to be written', () => reader.text === 'a\nb\nc\n')
    assert.equal(reader.tries, 1)
  })

  it('never waits for an offered line, keeps 64 KiB of them, and says which it drops', async () => {
    const { reader, output } = slowReader()
    const line = `${'x'.repeat(1_023)}\n`
    const taken = Array.from({ length: 100 }, () => output.offer(line)).filter(Boolean)
    assert.equal(taken.length, 64)
    reader.roomBytes = Number.POSITIVE_INFINITY
    await eventually('the lines that it kept', () => reader.text.length === 65_536)
    assert.equal(output.offer(line), true, 'there is room again')
  })

  it('finishes a line that was written in part before it writes another one', async () => {
    const { reader, output } = slowReader(3)
    output.offer('first\n')
    await eventually('a part of the line', () => reader.text === 'fir')
    reader.roomBytes = 1_000
    output.write('second\n')
    assert.equal(reader.text, 'first\nsecond\n')
  })

  it('waits for a reader that stands still once, and then drops lines until it reads again', () => {
    const { reader, output } = slowReader()
    output.write('one\n')
    const { tries } = reader
    output.write('two\n')
    assert.equal(reader.tries - tries, 1)
    reader.roomBytes = 1_000
    output.write('three\n')
    assert.equal(reader.text, 'three\n')
  })

  it('writes what waits when the program ends', () => {
    const { reader, output } = slowReader(1_000)
    output.offer('last\n')
    output.flush()
    assert.equal(reader.text, 'last\n')
  })

  it('on a pipe that nobody reads, does not stop the program', async () => {
    const module = new URL('./log-output.ts', import.meta.url).href
    const program = `import { LogOutput } from ${JSON.stringify(module)}
const output = new LogOutput()
let dropped = 0
const line = 'x'.repeat(1023) + '\\n'
const again = (turns) => {
  for (let i = 0; i < 50; i++) if (!output.offer(line)) dropped += 1
  if (turns > 0) setTimeout(again, 20, turns - 1)
  else process.stderr.write('dropped ' + dropped, () => process.exit())
}
again(20)`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
    })
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    const [code] = await once(child, 'exit')
    child.stdout.destroy()
    await eventually('what it said', () => said !== '')
    assert.equal(code, 0)
    assert.match(said, /^dropped [1-9]/)
  })
})
