import { LOWER } from './characters.ts'

/** Whether `bytes[from, to)` is `text`, which stands in lower case, in any case. */
export function equalsIgnoringCase(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++)
    if (LOWER[bytes[from + i] as number] !== text.charCodeAt(i)) return false
  return true
}
