import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { basicLogin, MAX_USERS, readPasswords } from './password-file.ts'

/** Made by htpasswd -nbB -C 4 ann 'correct horse'. */
const HASH = '$2y$04$3aH7OzFUKPfkAITT7ouvCu7XC9Ry/mWPj01pVkwScorfJDjVoxV1a'
const REST = HASH.slice(7)

async function passwordsOf(text: string | Buffer) {
  await using directory = await tempDirectory()
  await writeFile(directory.at('htpasswd'), text)
  return readPasswords(directory.at('htpasswd'), 'grafana')
}

async function failureOf(text: string | Buffer): Promise<Failure> {
  const reason: unknown = await passwordsOf(text).then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(reason instanceof Failure, 'the file was not refused')
  return reason
}

describe('a file of passwords', () => {
  it('has the users that htpasswd -B wrote, and may have comments and empty lines', async () => {
    const { hashes } = await passwordsOf(
      `# made by hand\n\nann:${HASH}\nb b é:$2b$14$${REST}\nc:$2a$04$${REST}`,
    )
    assert.deepEqual([...hashes.keys()], ['ann', 'b b é', 'c'])
    assert.equal(hashes.get('ann'), HASH)
  })

  it('has a dummy of the cost that most users have, and of the highest where they are as many', async () => {
    const of = async (...costs: string[]) =>
      (await passwordsOf(costs.map((cost, i) => `u${i}:$2y$${cost}$${REST}`).join('\n'))).dummy.slice(0, 7)
    assert.equal(await of('12', '08', '08'), '$2b$08$')
    assert.equal(await of('08', '12'), '$2b$12$')
    assert.equal((await passwordsOf(`a:${HASH}`)).dummy.length, 60)
  })

  for (const [what, text, message] of [
    ['nothing', '', /which has no user/],
    ['comments alone', '# a\n\n', /which has no user/],
    ['no colon', `ann:${HASH}\nhunter2hunter2`, /line 2 has no colon/],
    ['no user', `:${HASH}`, /line 1 has no valid user/],
    ['a control character in the user', `a\tb:${HASH}`, /line 1 has no valid user/],
    ['a user that is too long', `${'u'.repeat(256)}:${HASH}`, /line 1 has no valid user/],
    ['the same user twice', `ann:${HASH}\nbob:${HASH}\nann:${HASH}`, /lines 1 and 3 name the same user/],
    ['apr1', 'a:$apr1$.GFBPFKG$abcdefghijklmnopqrstuv', /line 1 has a password that is apr1, which is MD5/],
    ['SHA-1', 'a:{SHA}6dcd4ce23d88e2ee9568ba546c007c63d9131c1b', /SHA-1/],
    ['SSHA', 'a:{SSHA}abcdefghijkl', /a scheme of LDAP/],
    ['crypt(3) with SHA-512', 'a:$6$salt$abcdefgh', /SHA-512 of crypt/],
    ['DES', 'a:rqXexS6ZhobKA', /not a bcrypt hash/],
    ['a plain password', 'a:hunter2hunter2', /line 1 has a password that is not a bcrypt hash/],
    ['no password', 'a:', /not a bcrypt hash/],
    ['$2x$', `a:$2x$10$${REST}`, /not a whole bcrypt hash/],
    ['half a hash', `a:${HASH.slice(0, 40)}`, /not a whole bcrypt hash/],
    ['something behind the hash', `a:${HASH}:comment`, /not a whole bcrypt hash/],
    ['a space behind the hash', `a:${HASH} `, /not a whole bcrypt hash/],
    ['the cost 3', `a:$2y$03$${REST}`, /bcrypt cost 3/],
    ['the cost 15', `a:$2y$15$${REST}`, /bcrypt cost 15/],
    ['the cost 31', `a:$2y$31$${REST}`, /bcrypt cost 31/],
    ['CRLF', `a:${HASH}\r\n`, /line 1 has a carriage return/],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0x3a]), /not UTF-8/],
    [
      'too many users',
      Array.from({ length: MAX_USERS + 1 }, (_, i) => `u${i}:${HASH}`).join('\n'),
      /more than 1000 users/,
    ],
  ] as const)
    it(`with ${what} is refused, and the message does not quote it`, async () => {
      const { code, message: text_, hint } = await failureOf(text)
      assert.equal(code, 'bad_config')
      assert.match(text_, /^clients\.grafana\.basic is "\/.*htpasswd", /)
      assert.match(text_, message)
      if (/password|cost|no user/.test(text_)) assert.match(hint, /htpasswd -B/)
      for (const secret of ['hunter2', REST.slice(0, 8), 'rqXex', '6dcd', 'GFBP'])
        assert.ok(!`${text_} ${hint}`.includes(secret), text_)
    })
})

function basic(text: string | Buffer): string {
  return `Basic ${Buffer.from(text).toString('base64')}`
}

describe('an Authorization field with user and password', () => {
  for (const [text, user, password] of [
    ['ann:correct horse', 'ann', 'correct horse'],
    ['ann:', 'ann', ''],
    ['ann:a:b:', 'ann', 'a:b:'],
    [':p', '', 'p'],
    ['jörg:pässwörd', 'jörg', 'pässwörd'],
    ['\ufeffann:p', '\ufeffann', 'p'],
    [`ann:${'x'.repeat(72)}`, 'ann', 'x'.repeat(72)],
  ] as const)
    it(`is split at the first colon: ${text}`, () => {
      assert.deepEqual(basicLogin(basic(text)), { user, password })
    })

  it('may have its scheme in any case, and several spaces', () => {
    for (const value of ['basic', 'BASIC', 'BaSiC  '])
      assert.deepEqual(basicLogin(basic('a:b').replace('Basic', value)), { user: 'a', password: 'b' })
  })

  for (const [what, value] of [
    ['no colon', basic('ann')],
    ['no credentials', 'Basic'],
    ['a space alone', 'Basic '],
    ['a tab', basic('a:b').replace(' ', '\t')],
    ['another scheme', basic('a:b').replace('Basic', 'Digest')],
    ['two schemes', `${basic('a:b')}, ${basic('a:b')}`],
    ['no padding', 'Basic YTpi\x59Q'],
    ['too much padding', 'Basic YTpi=='],
    ['bits left over', 'Basic YTpiYX=='.replace('YX', 'YR')],
    ['base64url', basic('a:???>>>').replaceAll('/', '_').replaceAll('+', '-')],
    ['a line break', 'Basic YT\npi'],
    ['Latin-1', basic(Buffer.from('a:\xe9', 'latin1'))],
    ['a NUL in the user', basic('a\0:b')],
    ['a control character in the user', basic('a\x1f:b')],
    ['a NUL in the password', basic('ann:correct horse\0x')],
    ['a password of 73 bytes', basic(`ann:${'x'.repeat(73)}`)],
    ['a password of 73 bytes in fewer characters', basic(`ann:${'é'.repeat(36)}x`)],
  ] as const)
    it(`proves nothing with ${what}`, () => {
      assert.equal(basicLogin(value), null)
    })
})
