import * as v from 'valibot'

/** What the lock file records of the socket that was published last: enough to recognise it and to name its owner. */
export interface Publication {
  /** `dev:ino:birthtimeNs` of the socket. */
  readonly identity: string
  /** As in the owner's PID namespace. */
  readonly pid: number
}

/** Every record has this many bytes, filled with spaces, so that overwriting one needs no space and no truncation. */
export const RECORD_BYTES = 256

const schema = v.object({ identity: v.string(), pid: v.number() })

export function formatPublication({ identity, pid }: Publication): string {
  return `${JSON.stringify({ identity, pid }).padEnd(RECORD_BYTES - 1)}\n`
}

/** Undefined for anything but a whole record, such as one that a crash cut short. */
export function parsePublication(text: string): Publication | undefined {
  try {
    return v.parse(schema, JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError || v.isValiError(error)) return undefined
    throw error
  }
}

/** Whether a lock file with this content is ours: empty, blank, zeroed (by a power cut), or the beginning of a record. */
export function isRecord(text: string): boolean {
  return /^[\s\0]*$/.test(text) || text.startsWith('{"identity":')
}
