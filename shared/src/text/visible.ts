/**
 * Control characters, line separators, lone surrogates, and format characters such as those that change the direction of
 * text. Without the two joiners, which Persian, Hindi and emoji need.
 */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Makes untrusted text (a path, a response, an argument) safe for a terminal: characters that could control the terminal
 * are escaped as in JSON, `\u001b`. In JSON text the value stays the same, because such characters occur only in strings.
 */
export function visible(text: string): string {
  return text.replaceAll(HIDDEN, (character) => NAMED[character] ?? escaped(character))
}

/** The same for text of several lines: line feeds and tabs stay. */
export function visibleLines(text: string): string {
  return text.replaceAll(HIDDEN, (character) =>
    character === '\n' || character === '\t' ? character : (NAMED[character] ?? escaped(character)),
  )
}

/** A copy of `value` with `visible` applied to each string in it, including the names of members. */
export function visibleIn<T>(value: T): T {
  return shownIn(value) as T
}

function shownIn(value: unknown): unknown {
  if (typeof value === 'string') return visible(value)
  if (Array.isArray(value)) return value.map(shownIn)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [visible(name), shownIn(member)]))
}

/** One line of JSON that is safe for a terminal. */
export function visibleJson(value: unknown): string {
  return visible(JSON.stringify(value))
}

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
    .join('')
}
