import { visible } from './visible.ts'

/** Needs no quotes in a POSIX shell. Without `~`, `=` and `#`, which have a meaning at the beginning of a word. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/

/**
 * Quotes text as one word of a command for a POSIX shell, only where quotes are needed. Characters that a terminal does
 * not show are written with printf(1), so that the command can be read and copied. The command still takes a word that
 * begins with `-` for an option: put `--` before it.
 */
export function shellWord(text: string): string {
  if (PLAIN.test(text)) return text
  if (visible(text) === text) return `'${text.replaceAll("'", "'\\''")}'`
  // A command substitution removes trailing line feeds.
  const end = /\n*$/.exec(text)?.[0] ?? ''
  const body = text.slice(0, text.length - end.length)
  return `"$(printf '${[...Buffer.from(body)].map(printfByte).join('')}')"${end === '' ? '' : `'${end}'`}`
}

/** Quotes each word and joins them: `['chown', '0', 'a b']` becomes `chown 0 'a b'`. */
export function shellCommand(...words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}

function printfByte(byte: number): string {
  const character = String.fromCharCode(byte)
  if (character === '%') return '%%'
  return /[\w ./,:@+=~-]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`
}
