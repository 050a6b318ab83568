/**
 * Control characters, separators that end a line, lone surrogates, and format characters such as those that change
 * the direction of text. The two joiners stay: Persian, Hindi and emoji need them.
 */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Text of others (a path, a response, an argument) in a form that a terminal only shows and never obeys: what has no
 * glyph is written as JSON and JavaScript write it, `\u001b`. Applied to JSON text it keeps the value, for there such
 * characters stand in strings alone.
 */
export function visible(text: string): string {
  return text.replaceAll(HIDDEN, (character) => NAMED[character] ?? escaped(character))
}

/** The same for a text of several lines: line feeds and tabs stay. */
export function visibleLines(text: string): string {
  return text.replaceAll(HIDDEN, (character) =>
    character === '\n' || character === '\t' ? character : (NAMED[character] ?? escaped(character)),
  )
}

/** `value` with `visible` applied to each string in it, names of members included. */
export function visibleIn<T>(value: T): T {
  return shownIn(value) as T
}

function shownIn(value: unknown): unknown {
  if (typeof value === 'string') return visible(value)
  if (Array.isArray(value)) return value.map(shownIn)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [visible(name), shownIn(member)]))
}

/** JSON that is safe on a terminal too, on one line. */
export function visibleJson(value: unknown): string {
  return visible(JSON.stringify(value))
}

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
    .join('')
}
