import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { crypto } from './node-modules.ts'
import { bearerDigest, hasToken, MAX_TOKEN_BYTES, MAX_TOKENS, readTokens } from './token-file.ts'

const ONE = 'one-0123456789abcdef'
const TWO = 'two-0123456789abcdef'

async function tokensOf(text: string | Buffer) {
  await using directory = await tempDirectory()
  await writeFile(directory.at('tokens'), text)
  return readTokens(directory.at('tokens'), 'prometheus')
}

async function failureOf(text: string | Buffer): Promise<Failure> {
  const reason: unknown = await tokensOf(text).then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(reason instanceof Failure, 'the file was not refused')
  assert.equal(reason.code, 'bad_config')
  return reason
}

async function accepts(text: string, token: string): Promise<boolean> {
  const digest = bearerDigest(`Bearer ${token}`)
  return digest !== null && hasToken(await tokensOf(text), digest)
}

describe('a file of tokens', () => {
  for (const [what, text] of [
    ['one token', ONE],
    ['one token and a newline', `${ONE}\n`],
    ['several tokens, the first', `${ONE}\n${TWO}`],
    ['several tokens, the last', `${TWO}\n${ONE}\n`],
  ] as const)
    it(`with ${what} proves the client`, async () => {
      assert.equal(await accepts(text, ONE), true)
      for (const other of [ONE.slice(0, -1), `${ONE}0`, ONE.toUpperCase(), `${ONE}\n`, `${ONE}=`])
        assert.equal(await accepts(text, other), false)
    })

  it('has each of its tokens compared, wherever the right one stands', async (t) => {
    const tokens = await tokensOf([ONE, TWO, `${TWO}${ONE}`].join('\n'))
    const compare = t.mock.method(crypto, 'timingSafeEqual')
    for (const token of [ONE, TWO, `${TWO}${ONE}`]) {
      compare.mock.resetCalls()
      assert.equal(hasToken(tokens, bearerDigest(`Bearer ${token}`) ?? Buffer.alloc(32)), true)
      assert.equal(compare.mock.callCount(), 3)
    }
  })

  it('may have tokens of 16 to 4096 bytes with all characters of RFC 6750', async () => {
    for (const token of ['AZaz09-._~+/ab==', 'x'.repeat(MAX_TOKEN_BYTES)])
      assert.equal(await accepts(token, token), true)
  })

  for (const [what, text, message] of [
    ['nothing', '', /which is empty/],
    ['a newline alone', '\n', /line 1 is empty/],
    ['two newlines at the end', `${ONE}\n\n`, /line 2 is empty/],
    ['an empty line between tokens', `${ONE}\n\n${TWO}\n`, /line 2 is empty/],
    ['an empty first line', `\n${ONE}\n`, /line 1 is empty/],
    ['a token of 15 bytes', `${ONE}\n${TWO.slice(0, 15)}\n`, /line 2 is shorter than 16 bytes/],
    ['a token that is too long', 'x'.repeat(MAX_TOKEN_BYTES + 1), /line 1 is longer than 4096 bytes/],
    ['CRLF', `${ONE}\r\n`, /line 1 has a carriage return/],
    ['a carriage return in a token', `${ONE}\r${TWO}`, /line 1 has a carriage return/],
    ['a NUL', `${ONE}\0${TWO}`, /line 1 has a character/],
    ['a space', `${ONE} ${TWO}`, /line 1 has a character/],
    ['a space at the end', `${ONE} \n`, /line 1 has a character/],
    ['the scheme', `Bearer ${ONE}`, /line 1 has a character/],
    ['a tab', `${ONE}\t`, /line 1 has a character/],
    ['a comma', `${ONE},${TWO}`, /line 1 has a character/],
    ['= in the middle', `${ONE}=${TWO}`, /line 1 has a character/],
    ['letters that are not ASCII', `${ONE}é`, /line 1 has a character/],
    ['a control character', `${ONE}\x7f`, /line 1 has a character/],
    ['bytes that are not UTF-8', Buffer.from([...Buffer.from(ONE), 0xff]), /not UTF-8/],
    ['too many tokens', `${ONE}\n`.repeat(MAX_TOKENS + 1), /more than 100 lines/],
    ['more than a mebibyte', 'x'.repeat(2 ** 20 + 1), /more than 1048576 bytes/],
  ] as const)
    it(`with ${what} is refused, and the message does not quote it`, async () => {
      const failure = await failureOf(text)
      assert.match(failure.message, /^clients\.prometheus\.token is "\/.*tokens", /)
      assert.match(failure.message, message)
      for (const part of ['0123456789', 'xxxxxxxx'])
        assert.ok(!`${failure.message} ${failure.hint}`.includes(part), failure.message)
    })

  it('that is not there, or is a directory, is refused', async () => {
    await using directory = await tempDirectory()
    assert.throws(
      () => readTokens(directory.at('none'), 'a'),
      /clients\.a\.token is ".*none", which cannot be read/,
    )
    assert.throws(() => readTokens(directory.path, 'a'), /which is a directory/)
  })
})

describe('an Authorization field', () => {
  for (const value of [`Bearer ${ONE}`, `bearer ${ONE}`, `BEARER   ${ONE}`])
    it(`${value} has the token`, async () => {
      const digest = bearerDigest(value)
      assert.ok(digest !== null && hasToken(await tokensOf(ONE), digest))
    })

  for (const value of [
    '',
    'Bearer',
    'Bearer ',
    ONE,
    `Bearer\t${ONE}`,
    ` Bearer ${ONE}`,
    `Bearer ${ONE} `,
    `Bearer ${ONE}, Bearer ${TWO}`,
    `Bearer ${ONE} ${TWO}`,
    `Bearer token=${ONE}`,
    `Bearer "${ONE}"`,
    `Bearer: ${ONE}`,
    `Bearer${ONE}`,
    `XBearer ${ONE}`,
    `Token ${ONE}`,
    `Basic ${ONE}`,
  ])
    it(`${JSON.stringify(value)} has none`, () => {
      assert.equal(bearerDigest(value), null)
    })
})
