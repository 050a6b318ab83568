import { Failure } from '@uds-sidecar/shared/failure/failure'
import { readText, type TextFile } from '../config/read-text.ts'
import type { CredentialSettings } from '../config/way-out-schema.ts'

/** The longest value: servers take 8 KiB for all fields of a head together. */
const MAX_VALUE_BYTES = 8_192

const HINTS: TextFile['hints'] = {
  missing: 'mount the directory of the file, readable by the user of this process, and name it absolutely',
  notRegular: 'name a regular file with the value; a symbolic link to one is fine',
  tooLarge: 'a credential has a few hundred bytes: name that file',
}

/**
 * Reads the values of these fields. No message has any part of a value.
 * @returns the field lines, each with its CRLF.
 * @throws Failure `bad_config` that names the file and says what to do.
 */
export function readCredentials(credentials: readonly CredentialSettings[]): Buffer {
  return Buffer.from(credentials.map(({ name, path }) => `${name}: ${readValue(name, path)}\r\n`).join(''))
}

function readValue(name: string, path: string): string {
  const text = readText(path, { setting: `credentials.${name}`, hints: HINTS })
  const value = text.replace(/\r?\n$/, '')
  if (value === '') throw bad(path, 'is empty', `write the whole value of ${name} into it`)
  if (value.length > MAX_VALUE_BYTES)
    throw bad(path, `has more than ${MAX_VALUE_BYTES} bytes`, HINTS.tooLarge)
  const odd = value.search(/[^ -~]/)
  if (odd >= 0) throw bad(path, `has a character that may not stand in a field: number ${odd + 1}`, ONE_LINE)
  if (value !== value.trim()) throw bad(path, 'begins or ends with a space', ONE_LINE)
  return value
}

const ONE_LINE =
  'it may have one line of visible ASCII, the whole value of the field, such as Bearer and the token; one line break at its end is ignored'

function bad(path: string, what: string, hint: string): Failure {
  return new Failure('bad_config', { message: `the credential in ${path} ${what}`, hint })
}
