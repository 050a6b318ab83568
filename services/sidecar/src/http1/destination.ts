import { COLON, FOLDED } from './bytes.ts'

/** What a request head gets, and what it loses, because of where it is sent. */
export interface Destination {
  /** `Host: api.example.org\r\n`, in the place of the client's Host; null: the client's own is forwarded. */
  readonly hostLine: Buffer | null
  /** Field lines with credentials that the client does not have. Read for each request: files may have changed. */
  readonly credentialLines: Buffer
  /** Whether it is told who sends the request (`X-Forwarded-*`), and gets an `X-Request-Id` of the sidecar. */
  readonly isToldOrigin: boolean
  /** Folded names of the fields that the sidecar sets: those of the client are dropped. */
  readonly replaced: readonly Uint8Array[]
}

const NOTHING: Buffer = Buffer.alloc(0)

/** A socket of the same machine: the app behind it learns who sends the request. */
export const SOCKET: Destination = Object.freeze({
  hostLine: null,
  credentialLines: NOTHING,
  isToldOrigin: true,
  replaced: [],
})

/** Bytes that `destination` adds to a head, at most. */
export function addedBytes({ hostLine, credentialLines }: Destination): number {
  return (hostLine?.length ?? 0) + credentialLines.length
}

/**
 * The request fields of a probe, which no client asked for: names and values, one after the other. It has no field that
 * says who sends it.
 */
export function probeFields({ hostLine, credentialLines }: Destination): string[] {
  const lines = `${hostLine ?? 'Host: localhost\r\n'}${credentialLines}`.split('\r\n')
  return lines
    .filter((line) => line !== '')
    .flatMap((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 2)]
    })
}

/** A field name as it is compared: in lower case, with `-` for every byte but letters and digits. */
export function foldedName(name: string): Uint8Array {
  return Buffer.from(name, 'latin1').map((byte) => FOLDED[byte] ?? byte)
}

/**
 * Whether the line of a head that begins at `line` has one of these names, however it is spelled: servers fold names in
 * different ways, see `fieldId`.
 */
export function isOneOf(names: readonly Uint8Array[], bytes: Uint8Array, line: number): boolean {
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as Uint8Array
    if (bytes[line + name.length] === COLON && isFolded(name, bytes, line)) return true
  }
  return false
}

/** Whether `bytes`, from `start` on, begin with the folded `name`. */
export function isFolded(name: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (FOLDED[bytes[start + i] as number] !== name[i]) return false
  return true
}
