import { Failure } from '@uds-sidecar/shared/failure/failure'
import { readText } from '../config/read-text.ts'

/** bcrypt uses no more of a password than so many bytes, so a longer one would be known by its beginning. */
export const MAX_PASSWORD_BYTES = 72
/** The most users of one file. */
export const MAX_USERS = 1_000
/** What htpasswd allows. */
const MAX_USER_BYTES = 255
/** Each step doubles the time of a verification; 14 takes 1 to 2 s. */
const COST = { min: 4, max: 14 } as const

/** The users of one file. */
export interface Passwords {
  /** The bcrypt hash of each user. */
  readonly hashes: ReadonlyMap<string, string>
  /** Verified in the place of the hash of a user who does not exist. It has the cost that most users have. */
  readonly dummy: string
}

/** User and password of an Authorization field. */
export interface Login {
  readonly user: string
  readonly password: string
}

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
/** What other programs write, by its beginning. */
const OTHER_SCHEMES: readonly (readonly [RegExp, string])[] = [
  [/^\$apr1\$/, 'apr1, which is MD5'],
  [/^\$1\$/, 'MD5'],
  [/^\{SHA\}/i, 'SHA-1'],
  [/^\{[A-Z0-9-]+\}/i, 'a scheme of LDAP'],
  [/^\$5\$/, 'SHA-256 of crypt(3)'],
  [/^\$6\$/, 'SHA-512 of crypt(3)'],
  [/^\$y\$/, 'yescrypt'],
  [/^\$argon2/, 'Argon2'],
  [/^\$2/, 'not a whole bcrypt hash of the kind $2y$, $2b$ or $2a$'],
]

/**
 * Reads the file of a client of kind basic: `user:bcrypt` a line, as `htpasswd -B` writes it. As in Apache's files,
 * empty lines and lines that begin with `#` are skipped.
 * @param client the client's name, for messages
 * @throws Failure `bad_config` with file and line, and without the password or its hash
 */
export function readPasswords(path: string, client: string): Passwords {
  const setting = `clients.${client}.basic`
  const text = readText(path, {
    setting,
    hints: {
      missing:
        'mount the directory of the file, readable by the user of this process, and name it absolutely',
      notRegular: 'name a file that htpasswd -B wrote; a symbolic link to one is fine',
      tooLarge: `it may have ${MAX_USERS} users, one a line: remove those that are no longer used`,
    },
  })
  const bad = (what: string, hint: string) =>
    new Failure('bad_config', { message: `${setting} is ${JSON.stringify(path)}, ${what}`, hint })
  const hashes = new Map<string, string>()
  const lineOf = new Map<string, number>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue
    const entry = entryOf(line)
    if ('what' in entry) throw bad(`whose line ${index + 1} ${entry.what}`, entry.hint)
    const former = lineOf.get(entry.user)
    if (former !== undefined)
      throw bad(`whose lines ${former} and ${index + 1} name the same user`, 'remove one of the two lines')
    hashes.set(entry.user, entry.hash)
    lineOf.set(entry.user, index + 1)
    if (hashes.size > MAX_USERS)
      throw bad(`which has more than ${MAX_USERS} users`, 'remove those that are no longer used')
  }
  if (hashes.size === 0) throw bad('which has no user', `add one: ${MAKE}`)
  return { hashes, dummy: dummyFor([...hashes.values()]) }
}

const MAKE = 'htpasswd -B FILE USER'

type Entry =
  | { readonly user: string; readonly hash: string }
  | { readonly what: string; readonly hint: string }

/** One line, or what is wrong with it. It never quotes the line. */
function entryOf(line: string): Entry {
  if (line.includes('\r'))
    return { what: 'has a carriage return', hint: 'save the file with Unix line ends (LF, not CRLF)' }
  const colon = line.indexOf(':')
  if (colon === -1) return { what: 'has no colon', hint: `it may be user:bcrypt, as made by ${MAKE}` }
  const [user, hash] = [line.slice(0, colon), line.slice(colon + 1)]
  if (user === '' || hasControl(user) || Buffer.byteLength(user) > MAX_USER_BYTES)
    return {
      what: 'has no valid user',
      hint: `it may be 1 to ${MAX_USER_BYTES} bytes without control characters`,
    }
  const cost = BCRYPT.exec(hash)?.[1]
  if (cost === undefined) {
    const scheme = OTHER_SCHEMES.find(([pattern]) => pattern.test(hash))?.[1] ?? 'not a bcrypt hash'
    return {
      what: `has a password that is ${scheme}`,
      hint: `it may be bcrypt alone: write it again with ${MAKE}`,
    }
  }
  if (Number(cost) < COST.min || Number(cost) > COST.max)
    return {
      what: `has the bcrypt cost ${Number(cost)}`,
      hint: `it may be ${COST.min} to ${COST.max}: write it again with htpasswd -B -C 10 FILE USER`,
    }
  return { user, hash }
}

/** A hash that no password has, of the cost that most of these have, or the highest of them. */
function dummyFor(hashes: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const hash of hashes) {
    const cost = hash.slice(4, 6)
    counts.set(cost, (counts.get(cost) ?? 0) + 1)
  }
  const [most = '10'] = [...counts].sort(([a, m], [b, n]) => n - m || Number(b) - Number(a))[0] ?? []
  return `$2b$${most}$${'.'.repeat(53)}`
}

/** Whether both have the same users with the same hashes. */
export function areSamePasswords({ hashes: one }: Passwords, { hashes: other }: Passwords): boolean {
  return one.size === other.size && [...one].every(([user, hash]) => other.get(user) === hash)
}

/** The scheme in any case, one space or more, and base64 (RFC 7617). */
const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i

/**
 * User and password of the value of an Authorization field; null when it is of another scheme, malformed, or cannot
 * be right: a control character in the user, a NUL in the password, or more than 72 bytes of it.
 */
export function basicLogin(authorization: string): Login | null {
  const encoded = BASIC.exec(authorization)?.[1]
  if (encoded === undefined) return null
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) return null // bits or padding that an encoder would not write
  const text = utf8(bytes)
  const colon = text?.indexOf(':') ?? -1
  if (text === null || colon === -1) return null
  const [user, password] = [text.slice(0, colon), text.slice(colon + 1)]
  if (hasControl(user) || password.includes('\0')) return null
  return Buffer.byteLength(password) > MAX_PASSWORD_BYTES ? null : { user, password }
}

function utf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null // not UTF-8: it proves nothing
  }
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
