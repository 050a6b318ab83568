import { visible } from './visible.ts'

/** Needs no quotes in any POSIX shell, wherever it stands. A tilde, `=` and `#` are left out: they mean something in front. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/

/**
 * One word of a command that somebody copies into a POSIX shell: the shell takes it for exactly this text. Quotes only
 * where they are needed. What a terminal would not show is made by printf(1), so that the line can be read and copied.
 * A word that begins with `-` is still an option to the command: put `--` before it.
 */
export function shellWord(text: string): string {
  if (PLAIN.test(text)) return text
  if (visible(text) === text) return `'${text.replaceAll("'", "'\\''")}'`
  // A substitution loses line feeds at its end.
  const end = /\n*$/.exec(text)?.[0] ?? ''
  const body = text.slice(0, text.length - end.length)
  return `"$(printf '${[...Buffer.from(body)].map(printfByte).join('')}')"${end === '' ? '' : `'${end}'`}`
}

/** `sudo chown 0 'a b'` of `['sudo', 'chown', '0', 'a b']`. */
export function shellCommand(...words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}

function printfByte(byte: number): string {
  const character = String.fromCharCode(byte)
  if (character === '%') return '%%'
  return /[\w ./,:@+=~-]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`
}
