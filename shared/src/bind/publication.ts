import * as v from 'valibot'

/** What the lock file says of the socket that was published last: enough to recognise it and to name its owner. */
export interface Publication {
  /** `dev:ino:birthtimeNs` of the socket. */
  readonly identity: string
  /** In the owner's own PID namespace. */
  readonly pid: number
}

/** Every record has as many bytes, blanks included: writing one over another then needs no space and no truncation. */
export const RECORD_BYTES = 256

const schema = v.object({ identity: v.string(), pid: v.number() })

export function formatPublication({ identity, pid }: Publication): string {
  return `${JSON.stringify({ identity, pid }).padEnd(RECORD_BYTES - 1)}\n`
}

/** Undefined for anything that is not a whole record, such as one cut short by a crash. */
export function parsePublication(text: string): Publication | undefined {
  try {
    return v.parse(schema, JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError || v.isValiError(error)) return undefined
    throw error
  }
}

/** Whether a lock file with this content is one of ours: empty, blank or zeroed (a power cut), or a record's beginning. */
export function isRecord(text: string): boolean {
  return /^[\s\0]*$/.test(text) || text.startsWith('{"identity":')
}
