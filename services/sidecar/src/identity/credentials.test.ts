import assert from 'node:assert/strict'
import { rename, rm, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { recordedLog } from '../testing/recorded-log.ts'
import { BUSY, Credentials, type FileClient } from './credentials.ts'
import { PasswordVerifier } from './password-verifier.ts'
import { ProvenPasswords } from './proven-passwords.ts'

const ONE = 'one-0123456789abcdef'
const TWO = 'two-0123456789abcdef'
/** Made by htpasswd -nbB, with cost 4: of `correct horse`, and of `battery staple`. */
const HORSE = '$2y$04$/V3zn2zZUm9Zx.3KodtcOOdR5Vq77CVF7HsYutei.qF5ejpMY4nO6'
const STAPLE = '$2y$04$BobnU72ifSjRoAWThYdj7OzCsLac.k8W7v5Qt.doRuhGs.FsOpLjO'

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

const RIGHT = basic('ann', 'correct horse')

/** Clients by name, each with kind and content of its file, in a directory of their own. */
async function clientsIn(
  directory: TempDirectory,
  contents: Readonly<Record<string, readonly ['token' | 'basic', string]>>,
): Promise<FileClient[]> {
  for (const [name, [, text]] of Object.entries(contents)) await writeFile(directory.at(name), text)
  return Object.entries(contents).map(([name, [kind]]) => ({ name, kind, file: directory.at(name) }))
}

/** Replaces a file by a rename, so that nobody sees half of it. */
async function replace(directory: TempDirectory, name: string, text: string): Promise<void> {
  await writeFile(directory.at('.next'), text)
  await rename(directory.at('.next'), directory.at(name))
}

const all = new Set(['a', 'b', 'c'])

async function failureOf(loading: Promise<Credentials>): Promise<Failure> {
  const reason: unknown = await loading.then(
    (credentials) => credentials[Symbol.dispose](),
    (error: unknown) => error,
  )
  assert.ok(reason instanceof Failure)
  return reason
}

describe('credentials', () => {
  it('prove a client by a token or by a password, and only a client that comes into question', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, {
      a: ['token', `${ONE}\n`],
      b: ['basic', `ann:${HORSE}\n`],
    })
    const others: FileClient[] = [
      { name: 'mesh', kind: 'certificate' },
      { name: 'operator', kind: 'uid' },
    ]
    using credentials = await Credentials.load([...others, ...clients], recordedLog().log)
    const proof = async (value: string, among = all) => await credentials.prove(value, among, '10.0.0.1')
    assert.equal(credentials.prove(`Bearer ${ONE}`, all, ''), 'a')
    assert.equal(credentials.prove(`Bearer ${TWO}`, all, ''), null)
    assert.equal(await proof(RIGHT), 'b')
    assert.equal(await proof(basic('ann', 'wrong')), null)
    assert.equal(await proof(basic('bob', 'correct horse')), null)
    assert.equal(await proof(`Bearer ${ONE}`, new Set(['b'])), null)
    assert.equal(await proof(RIGHT, new Set(['a', 'mesh'])), null)
    for (const value of ['', 'Basic', 'Digest x', ONE, HORSE]) assert.equal(await proof(value), null)
  })

  it('remember passwords that were right, and never those that were wrong', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['basic', `ann:${HORSE}`] })
    using credentials = await Credentials.load(clients, recordedLog().log)
    for (let i = 0; i < 2; i++) {
      const wrong = credentials.prove(basic('ann', 'wrong'), all, '')
      assert.ok(wrong instanceof Promise)
      assert.equal(await wrong, null)
    }
    assert.equal(await credentials.prove(RIGHT, all, ''), 'a')
    assert.equal(credentials.prove(RIGHT, all, 'another caller'), 'a')
  })

  it('take the time of one bcrypt for a user who does not exist', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['basic', `ann:${HORSE}`] })
    using credentials = await Credentials.load(clients, recordedLog().log)
    // One caller's attempts are verified in order: the unknown user's is before the next only if it is verified too.
    const order: string[] = []
    const attempt = async (name: string, value: string) => {
      await credentials.prove(value, all, '')
      order.push(name)
    }
    await Promise.all([
      attempt('first', basic('ann', 'wrong 1')),
      attempt('known', basic('ann', 'wrong 2')),
      attempt('unknown', basic('nobody', 'wrong 3')),
    ])
    assert.deepEqual(order, ['first', 'known', 'unknown'])
  })

  it('prove nothing when a password is right for the dummy alone', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['basic', `ann:${HORSE}`] })
    using credentials = await Credentials.load(clients, recordedLog().log)
    assert.equal(await credentials.prove(basic('nobody', ''), all, ''), null)
  })

  it('tell a user of two clients by the password', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, {
      a: ['basic', `ann:${HORSE}`],
      b: ['basic', `ann:${STAPLE}`],
    })
    using credentials = await Credentials.load(clients, recordedLog().log)
    assert.equal(await credentials.prove(basic('ann', 'battery staple'), all, ''), 'b')
    assert.equal(await credentials.prove(RIGHT, all, ''), 'a')
    assert.equal(await credentials.prove(RIGHT, new Set(['b']), ''), null)
  })

  it('are busy, and not wrong, when too many attempts of the caller wait; others are served', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['basic', `ann:${HORSE}`] })
    using credentials = await Credentials.load(clients, recordedLog().log)
    const flood = Array.from({ length: 100 }, (_, i) =>
      credentials.prove(basic('ann', `wrong ${i}`), all, `2001:db8::${i}`),
    )
    const other = credentials.prove(RIGHT, all, '2001:db8:1::1')
    assert.equal(await other, 'a')
    const proofs = await Promise.all(flood)
    assert.equal(proofs.filter((proof) => proof === null).length, 9)
    assert.equal(proofs.filter((proof) => proof === BUSY).length, 91)
  })
})

describe('the files of credentials', () => {
  it('are followed: old and new token during a rotation, then the new one alone', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['token', ONE] })
    using credentials = await Credentials.load(clients, recordedLog().log)
    await replace(directory, 'a', `${ONE}\n${TWO}\n`)
    await eventually('the new token', () => credentials.prove(`Bearer ${TWO}`, all, '') === 'a')
    assert.equal(credentials.prove(`Bearer ${ONE}`, all, ''), 'a')
    await replace(directory, 'a', TWO)
    await credentials.look()
    assert.equal(credentials.prove(`Bearer ${ONE}`, all, ''), null)
  })

  it('that change make a password that was remembered useless', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['basic', `ann:${HORSE}`] })
    using credentials = await Credentials.load(clients, recordedLog().log)
    assert.equal(await credentials.prove(RIGHT, all, ''), 'a')
    await replace(directory, 'a', `ann:${STAPLE}`)
    await credentials.look()
    assert.equal(await credentials.prove(RIGHT, all, ''), null)
    assert.equal(await credentials.prove(basic('ann', 'battery staple'), all, ''), 'a')
    await replace(directory, 'a', `bob:${STAPLE}`)
    await credentials.look()
    assert.equal(await credentials.prove(basic('ann', 'battery staple'), all, ''), null)
  })

  it('prove nobody who was removed while his password was verified', async (t) => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['basic', `ann:${HORSE}`] })
    using credentials = await Credentials.load(clients, recordedLog().log)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    t.mock.method(PasswordVerifier.prototype, 'verify', () => promise)
    const proof = credentials.prove(RIGHT, all, '')
    await replace(directory, 'a', `bob:${STAPLE}`)
    await credentials.look()
    resolve(true)
    assert.equal(await proof, null)
  })

  for (const [what, kind, text, bad] of [
    ['tokens', 'token', ONE, 'short'],
    ['tokens', 'token', ONE, ''],
    ['passwords', 'basic', `ann:${HORSE}`, 'ann:plain'],
  ] as const)
    it(`that have become bad keep the old ${what}, and say so: ${JSON.stringify(bad)}`, async () => {
      await using directory = await tempDirectory()
      const clients = await clientsIn(directory, { a: [kind, text] })
      const recorded = recordedLog()
      using credentials = await Credentials.load(clients, recorded.log)
      const [before] = credentials.statuses()
      assert.deepEqual(
        { ...before, since: null },
        { client: 'a', kind, path: directory.at('a'), since: null, lastFailure: null, reloadFailures: 0 },
      )
      await replace(directory, 'a', bad)
      await eventually('the refusal', () => credentials.statuses()[0]?.lastFailure != null)
      assert.equal(credentials.statuses()[0]?.reloadFailures, 1)
      assert.match(recorded.text(), new RegExp(`the new ${what} are refused, the old ones stay in use`))
      assert.equal(await credentials.prove(kind === 'token' ? `Bearer ${ONE}` : RIGHT, all, ''), 'a')
    })

  it('that are missing or bad at the start are named all at once', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, {
      a: ['token', 'short'],
      b: ['basic', 'ann'],
      c: ['token', ONE],
    })
    await rm(directory.at('c'))
    const { code, message } = await failureOf(Credentials.load(clients, recordedLog().log))
    assert.equal(code, 'bad_config')
    assert.match(
      message,
      /clients\.a\.token is .*shorter.*\n.*clients\.b\.basic is .*colon.*\n.*clients\.c\.token is .*read/,
    )
  })

  it('may not give two clients one token at the start', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['token', `${TWO}\n${ONE}`], b: ['token', ONE] })
    const { message, hint } = await failureOf(Credentials.load(clients, recordedLog().log))
    assert.match(message, /of the client a and .* of the client b have a token in common/)
    assert.ok(!`${message}${hint}`.includes(ONE))
  })

  it('may not give two clients one token later; when it moves, the second look finds it', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['token', ONE], b: ['token', TWO] })
    const { log, text } = recordedLog()
    using credentials = await Credentials.load(clients, log)
    await replace(directory, 'b', ONE)
    await eventually('the refusal', () => credentials.statuses()[1]?.lastFailure != null)
    assert.match(text(), /have a token in common/)
    assert.equal(credentials.prove(`Bearer ${ONE}`, all, ''), 'a')
    assert.equal(credentials.prove(`Bearer ${TWO}`, all, ''), 'b')
    await replace(directory, 'a', 'three-0123456789abcdef')
    await eventually('the token of b', () => credentials.prove(`Bearer ${ONE}`, all, '') === 'b')
    assert.equal(credentials.statuses()[1]?.lastFailure, null)
  })
})

describe('credentials after a reload of the configuration', () => {
  it('go on with the files that are the same, with counters and what they remember', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['basic', `ann:${HORSE}`], b: ['token', ONE] })
    const { log } = recordedLog()
    const former = await Credentials.load(clients, log)
    assert.equal(await former.prove(RIGHT, all, ''), 'a')
    await replace(directory, 'a', 'bad')
    await eventually('the refusal', () => former.statuses()[0]?.lastFailure != null)
    using successor = await Credentials.load(clients.slice(0, 1), log, former)
    former.replacedBy(successor)
    assert.equal(successor.statuses()[0]?.reloadFailures, 1)
    assert.equal(successor.prove(RIGHT, all, ''), 'a')
    assert.equal(successor.prove(`Bearer ${ONE}`, all, ''), null)
    await replace(directory, 'a', `ann:${STAPLE}`)
    await eventually('the new file', () => successor.statuses()[0]?.lastFailure === null)
    assert.equal(await successor.prove(basic('ann', 'battery staple'), all, ''), 'a')
  })

  it('stay as they are when the new configuration is refused', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['token', ONE], b: ['basic', `ann:${HORSE}`] })
    const { log } = recordedLog()
    using former = await Credentials.load(clients, log)
    const more: FileClient = { name: 'c', kind: 'token', file: directory.at('a') }
    await assert.rejects(Credentials.load([...clients, more], log, former), /in common/)
    const unused = await Credentials.load(clients, log, former)
    unused[Symbol.dispose]()
    await replace(directory, 'a', TWO)
    await eventually('the new token', () => former.prove(`Bearer ${TWO}`, all, '') === 'a')
    assert.equal(await former.prove(RIGHT, all, ''), 'b')
  })

  it('may have the file of a client that was renamed', async () => {
    await using directory = await tempDirectory()
    const clients = await clientsIn(directory, { a: ['token', ONE] })
    const { log } = recordedLog()
    const former = await Credentials.load(clients, log)
    const renamed = clients.map((client): FileClient => ({ ...client, name: 'b' }))
    using successor = await Credentials.load(renamed, log, former)
    former.replacedBy(successor)
    assert.equal(successor.prove(`Bearer ${ONE}`, all, ''), 'b')
    await replace(directory, 'a', `${ONE}\n${TWO}`)
    await eventually('the new token', () => successor.prove(`Bearer ${TWO}`, all, '') === 'b')
  })
})

describe('what is remembered of passwords', () => {
  const claim = { client: 'a', user: 'ann', password: 'correct horse', hash: HORSE }

  it('has another key when any part differs, or a character moves from one part to the next', () => {
    const proven = new ProvenPasswords()
    const claims = [
      claim,
      { ...claim, client: 'b' },
      { ...claim, user: 'bob' },
      { ...claim, password: 'wrong' },
      { ...claim, hash: STAPLE },
      { ...claim, client: 'aa', user: 'nn' },
      { ...claim, user: 'annc', password: 'orrect horse' },
      { ...claim, user: 'ann1', password: '3:correct horse' },
      { ...claim, user: '', password: 'anncorrect horse' },
    ]
    assert.equal(new Set(claims.map((each) => proven.keyOf(each))).size, claims.length)
    assert.equal(proven.keyOf(claim), proven.keyOf({ ...claim }))
    assert.notEqual(proven.keyOf(claim), new ProvenPasswords().keyOf(claim))
  })

  it('is bounded: what was used longest ago is forgotten', () => {
    const proven = new ProvenPasswords()
    proven.add('first')
    proven.add('second')
    for (let i = 0; i < 1_022; i++) proven.add(`${i}`)
    assert.equal(proven.has('first'), true) // used again
    proven.add('one more')
    assert.equal(proven.size, 1_024)
    assert.equal(proven.has('first'), true)
    assert.equal(proven.has('second'), false)
  })
})

describe('secrets', { concurrency: true }, () => {
  const SECRETS = [
    ONE,
    TWO,
    'SECRET',
    'correct horse',
    'battery',
    HORSE.slice(7),
    STAPLE.slice(7),
    RIGHT.slice(6),
  ]

  for (const [name, content] of [
    ['a', 'SECRET'],
    ['a', `${TWO}\n`],
    ['a', 'SECRET-SECRET-SECRET\r\n'],
    ['a', 'SECRET SECRET SECRET'],
    ['c', 'ann:SECRET'],
    ['c', 'SECRET'],
    ['c', `ann:${HORSE}\nann:${STAPLE}`],
    ['c', `SECRET:${HORSE.replace('$04$', '$15$')}`],
    ['c', `SECRET\0:${HORSE}`],
    ['c', 'ann:$apr1$SECRET'],
  ] as const)
    it(`are in no log line and no failure when ${name} has become ${JSON.stringify(content)}`, async () => {
      await using directory = await tempDirectory()
      const clients = await clientsIn(directory, {
        a: ['token', ONE],
        b: ['token', TWO],
        c: ['basic', `ann:${HORSE}\nbob:${STAPLE}`],
      })
      const { log, text } = recordedLog()
      using credentials = await Credentials.load(clients, log)
      for (const value of [
        RIGHT,
        basic('ann', 'SECRET'),
        basic('SECRET', 'x'),
        'Bearer SECRET',
        `Bearer ${ONE}`,
      ])
        await credentials.prove(value, all, '')
      const refused = () => credentials.statuses().find(({ lastFailure }) => lastFailure !== null)
      await replace(directory, name, content)
      await eventually('the refusal', () => refused() !== undefined)
      const failure = await failureOf(Credentials.load(clients, log))
      const said = [
        text(),
        inspect(failure),
        failure.hint,
        inspect(credentials.statuses(), { depth: 9 }),
      ].join('\n')
      assert.match(said, /the old ones stay in use/)
      for (const secret of SECRETS) assert.ok(!said.includes(secret), secret)
    })
})
