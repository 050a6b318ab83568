import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as v from 'valibot'
import type { Failure } from '../failure/failure.ts'
import { endpointText, integerText, logLevel, oneOf, onOff } from './env-types.ts'
import { readEnv } from './read-env.ts'

const SETTINGS = {
  APP_LISTEN: endpointText,
  APP_LIMIT: v.optional(integerText(1, 100), '10'),
  APP_CHAOS: v.optional(onOff, 'off'),
  APP_LOG: v.optional(logLevel, 'info'),
  APP_KIND: v.optional(oneOf(['http', 'stream'])),
}

describe('an environment', () => {
  it('without mistakes, becomes a frozen configuration', () => {
    const config = readEnv(
      { APP_LISTEN: 'unix:/run/s', APP_LIMIT: '7', APP_CHAOS: 'on', PATH: '/bin' },
      'APP_',
      SETTINGS,
    )
    assert.deepEqual(config, {
      APP_LISTEN: { kind: 'unix', path: '/run/s' },
      APP_LIMIT: 7,
      APP_CHAOS: true,
      APP_LOG: 'info',
    })
    assert.throws(() => Object.assign(config, { APP_LIMIT: 8 }), TypeError)
  })

  it('with an empty variable, counts it as not set, because Compose passes an unset one so', () => {
    assert.equal(readEnv({ APP_LISTEN: 'unix:/s', APP_LIMIT: '' }, 'APP_', SETTINGS).APP_LIMIT, 10)
  })

  it('with several mistakes, is refused with each name, its value and the values that are allowed', () => {
    const env = {
      APP_LIMIT: '101',
      APP_CHAOS: 'yes',
      APP_LOG: 'loud',
      APP_KIND: 'ftp',
      APP_LISTNE: 'unix:/s',
    }
    const { code, exitCode, message } = failureOf(env)
    assert.deepEqual([code, exitCode], ['bad_config', 78])
    for (const part of [
      /APP_LISTEN is not set and is required/,
      /APP_LIMIT is "101": may be a whole number from 1 to 100/,
      /APP_CHAOS is "yes": may be on, off/,
      /APP_LOG is "loud": may be trace, debug, info/,
      /APP_KIND is "ftp": may be http, stream/,
      /APP_LISTNE is not a setting; known are APP_LISTEN/,
    ])
      assert.match(message, part)
  })

  for (const limit of ['0', '-1', '1.5', '1e1', ' 7', '0x7', '７', '9'.repeat(16)]) {
    it(`with the number ${JSON.stringify(limit)}, is refused instead of replaced by the default`, () => {
      assert.match(failureOf({ APP_LISTEN: 'unix:/s', APP_LIMIT: limit }).message, /^APP_LIMIT is /)
    })
  }

  it('with control characters, is refused with a message that is safe on a terminal', () => {
    const { message } = failureOf({ APP_LISTEN: `unix:/${'\u009b'.repeat(60)}\nx`, 'APP_\u001b[2J': '1' })
    assert.equal(message.split('\n').length, 2, 'one line for each mistake')
    assert.doesNotMatch(message.replaceAll('\n', ''), /\p{Cc}(?!")/u)
  })

  it('with a bad endpoint, is refused with the reason and the grammar', () => {
    assert.match(
      failureOf({ APP_LISTEN: 'unix:s' }).message,
      /APP_LISTEN is "unix:s": .*not absolute.*write unix:/,
    )
  })
})

function failureOf(env: NodeJS.ProcessEnv): Failure {
  try {
    readEnv(env, 'APP_', SETTINGS)
  } catch (error) {
    return error as Failure
  }
  throw new Error('readEnv accepted it')
}
