import { Failure } from '@uds-sidecar/shared/failure/failure'
import { readText } from '../config/read-text.ts'
import { crypto } from './node-modules.ts'

/** A shorter token could be guessed. */
export const MIN_TOKEN_BYTES = 16
/** The longest token, in bytes: it has to fit into a request head. */
export const MAX_TOKEN_BYTES = 4_096
/** The most tokens of one file. Each is compared with each token that comes in. */
export const MAX_TOKENS = 100

/** The tokens of one file, as SHA-256 digests: the tokens themselves are not kept. */
export interface Tokens {
  readonly digests: readonly Buffer[]
}

/** What may stand after `Bearer` (RFC 6750 section 2.1, `b64token`). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/
/** The scheme in any case, and one space or more (RFC 9110 section 11.4). */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i

/**
 * Reads the file of a client of kind token: one token a line, all of them valid, so that a new one can be added before
 * the old one is removed. The last line may end with a newline.
 * @param client the client's name, for messages
 * @throws Failure `bad_config` with file and line, and without the token
 */
export function readTokens(path: string, client: string): Tokens {
  const setting = `clients.${client}.token`
  const text = readText(path, {
    setting,
    hints: {
      missing:
        'mount the directory of the file, readable by the user of this process, and name it absolutely',
      notRegular: 'name a file with one token a line; a symbolic link to one is fine',
      tooLarge: `it may have ${MAX_TOKENS} tokens, one a line: remove those that are no longer used`,
    },
  })
  const bad = (what: string, hint: string) =>
    new Failure('bad_config', { message: `${setting} is ${JSON.stringify(path)}, ${what}`, hint })
  if (text === '') throw bad('which is empty', MAKE)
  const lines = text.replace(/\n$/, '').split('\n')
  if (lines.length > MAX_TOKENS)
    throw bad(`which has more than ${MAX_TOKENS} lines`, 'remove the tokens that are no longer used')
  for (const [index, line] of lines.entries()) {
    const mistake = mistakeIn(line)
    if (mistake !== undefined) throw bad(`whose line ${index + 1} ${mistake.what}`, mistake.hint)
  }
  return { digests: lines.map(digestOf) }
}

const MAKE = 'write one token a line, such as openssl rand -hex 32 makes'

/** What is wrong with a line of a file of tokens. It never quotes the line. */
function mistakeIn(line: string): { readonly what: string; readonly hint: string } | undefined {
  if (line === '')
    return { what: 'is empty', hint: 'remove the line: only the end of the file may have a newline' }
  if (line.includes('\r'))
    return { what: 'has a carriage return', hint: 'save the file with Unix line ends (LF, not CRLF)' }
  if (!TOKEN.test(line))
    return {
      what: 'has a character that a bearer token cannot have',
      hint: 'it may have A-Z a-z 0-9 - . _ ~ + / and = at its end (RFC 6750), and no space',
    }
  if (line.length < MIN_TOKEN_BYTES) return { what: `is shorter than ${MIN_TOKEN_BYTES} bytes`, hint: MAKE }
  if (line.length > MAX_TOKEN_BYTES) return { what: `is longer than ${MAX_TOKEN_BYTES} bytes`, hint: MAKE }
  return undefined
}

/** The digest of the token in the value of an Authorization field; null when it is of another scheme or malformed. */
export function bearerDigest(authorization: string): Buffer | null {
  const token = BEARER.exec(authorization)?.[1]
  return token === undefined ? null : digestOf(token)
}

/**
 * Whether a token is among these. Each is compared, and each in constant time: how long it takes says neither how much
 * of a token was right, nor which one it was.
 */
export function hasToken({ digests }: Tokens, presented: Buffer): boolean {
  let isFound = false
  for (const digest of digests) isFound = crypto.timingSafeEqual(digest, presented) || isFound
  return isFound
}

/** Whether two files have a token in common. */
export function shareToken(one: Tokens, other: Tokens): boolean {
  const digests = new Set(one.digests.map((digest) => digest.toString('hex')))
  return other.digests.some((digest) => digests.has(digest.toString('hex')))
}

/** Whether both have the same tokens, in the same order. */
export function areSameTokens(one: Tokens, other: Tokens): boolean {
  return Buffer.concat(one.digests).equals(Buffer.concat(other.digests))
}

/** Digests have one length: `timingSafeEqual` throws when the lengths differ. */
function digestOf(token: string): Buffer {
  return crypto.createHash('sha256').update(token).digest()
}
