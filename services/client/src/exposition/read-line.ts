/** In the order of the line. */
export type Labels = Readonly<Record<string, string>>

/** The content of one line of an exposition. */
export type Line =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'help' | 'type' | 'unit'; readonly name: string; readonly text: string }
  | ({ readonly kind: 'sample'; readonly name: string; readonly exemplar?: Point } & Point)

interface Point {
  readonly labels: Labels
  readonly value: string
  readonly timestamp?: string
}

const SPECIAL = /^(?:[+-]?inf(?:inity)?|nan)$/i
const DECIMAL = /^[+-]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:e[+-]?[\d_]+)?$/i
const HEXADECIMAL = /^[+-]?0x(?<whole>[\da-f_]*)(?:\.(?<fraction>[\da-f_]*))?p(?<exponent>[+-]?[\d_]+)$/i

const NOTHING: Line = { kind: 'nothing' }
const KEYWORDS = { HELP: 'help', TYPE: 'type', UNIT: 'unit' } as const

const BLANKS = /[ \t]*/y
const METRIC_NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/y
/** A number, or another word in its place. */
const WORD = /(?!#)[^ \t]+/y

/**
 * Parses one line without its line feed. Spaces and tabs are allowed between any two tokens and at both ends.
 * @throws SyntaxError with the reason
 */
export function readLine(line: string): Line {
  if (line.endsWith('\r'))
    throw new SyntaxError('it ends with a carriage return; only a line feed may end a line')
  const cursor = new Cursor(line)
  if (cursor.atEnd) return NOTHING
  return cursor.sees('#') ? readComment(line) : readSample(cursor)
}

function readComment(line: string): Line {
  const { keyword, rest = '' } =
    /^[ \t]*#[ \t]+(?<keyword>HELP|TYPE|UNIT)(?:[ \t]+(?<rest>.*))?$/s.exec(line)?.groups ?? {}
  if (keyword !== 'HELP' && keyword !== 'TYPE' && keyword !== 'UNIT') return NOTHING
  const cursor = new Cursor(rest)
  const name = cursor.sees('"') ? cursor.take(QUOTED) : cursor.take(METRIC_NAME)
  if (!name || !cursor.atBlank) {
    // In the text format this is a comment: only OpenMetrics has units.
    if (keyword === 'UNIT') return NOTHING
    throw new SyntaxError(`${keyword} is not followed by the name of a metric`)
  }
  const text = cursor.rest()
  return {
    kind: KEYWORDS[keyword],
    name: unescapeQuoted(name),
    text: keyword === 'HELP' ? unescapeHelp(text) : text,
  }
}

function readSample(cursor: Cursor): Line {
  const outside = cursor.take(METRIC_NAME)
  const braces = cursor.sees('{') ? readBraces(cursor) : undefined
  const name = oneName(outside, braces?.name)
  if (braces === undefined && !cursor.atBlank) throw new SyntaxError('a space is missing after the name')
  const point = readPoint(cursor, braces?.labels ?? {})
  if (!cursor.accepts('#')) {
    cursor.expectEnd()
    return { kind: 'sample', name, ...point }
  }
  if (!cursor.sees('{')) throw new SyntaxError('an exemplar begins with its labels in braces')
  const { name: inExemplar, labels } = readBraces(cursor)
  if (inExemplar !== undefined) throw new SyntaxError('an exemplar has no name')
  const exemplar = readPoint(cursor, labels)
  cursor.expectEnd()
  return { kind: 'sample', name, ...point, exemplar }
}

function oneName(outside: string | undefined, inside: string | undefined): string {
  if (outside !== undefined && inside !== undefined) throw new SyntaxError('it has two names')
  const name = outside ?? inside
  if (name === undefined) throw new SyntaxError('it does not begin with the name of a metric')
  if (name === '') throw new SyntaxError('its name is empty')
  return name
}

function readPoint(cursor: Cursor, labels: Labels): Point {
  const value = cursor.take(WORD)
  if (value === undefined) throw new SyntaxError('it has no value')
  if (!isFloat(value)) throw new SyntaxError(`${JSON.stringify(value)} is not a number`)
  const timestamp = cursor.take(WORD)
  if (timestamp !== undefined && !isTimestamp(timestamp))
    throw new SyntaxError(`${JSON.stringify(timestamp)} is not a timestamp`)
  return timestamp === undefined ? { labels, value } : { labels, value, timestamp }
}

/** `{a="b", "quoted"="c"}`; a trailing comma is allowed. A quoted name without a value is the name of the metric. */
function readBraces(cursor: Cursor): { name: string | undefined; labels: Labels } {
  const labels = new Map<string, string>()
  let name: string | undefined
  cursor.accepts('{')
  while (!cursor.accepts('}')) {
    const quoted = cursor.sees('"')
    const key = quoted ? cursor.quoted() : cursor.take(LABEL_NAME)
    if (key === undefined) throw new SyntaxError(`a label or a closing brace is missing ${cursor.where()}`)
    if (cursor.accepts('=')) addLabel(labels, key, cursor)
    else if (!quoted) throw new SyntaxError(`label ${key} has no value`)
    else name = oneName(name, key)
    if (!cursor.accepts(',') && !cursor.sees('}'))
      throw new SyntaxError(`a comma or a closing brace is missing ${cursor.where()}`)
  }
  return { name, labels: Object.fromEntries(labels) }
}

function addLabel(labels: Map<string, string>, key: string, cursor: Cursor): void {
  if (!cursor.sees('"')) throw new SyntaxError(`the value of label ${JSON.stringify(key)} is not in quotes`)
  if (key === '') throw new SyntaxError('the name of a label is empty')
  if (key === '__name__') throw new SyntaxError('__name__ is the name of the metric, not a label')
  if (labels.has(key)) throw new SyntaxError(`label ${JSON.stringify(key)} appears twice`)
  labels.set(key, cursor.quoted())
}

/** A position in a line. Each step also skips the spaces after it. */
class Cursor {
  readonly #line: string
  #at = 0

  constructor(line: string) {
    this.#line = line
    this.#skipBlanks()
  }

  get atEnd(): boolean {
    return this.#at === this.#line.length
  }

  /** At the end, or after a space or tab. */
  get atBlank(): boolean {
    return this.atEnd || /[ \t]/.test(this.#line[this.#at - 1] ?? '')
  }

  sees(character: string): boolean {
    return this.#line[this.#at] === character
  }

  accepts(character: string): boolean {
    if (!this.sees(character)) return false
    this.#at++
    this.#skipBlanks()
    return true
  }

  /** The match of the sticky pattern here, or its first group if it has one. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#line)
    if (match === null) return undefined
    this.#at = pattern.lastIndex
    this.#skipBlanks()
    return match[1] ?? match[0]
  }

  quoted(): string {
    const text = this.take(QUOTED)
    if (text === undefined) throw new SyntaxError(`a closing quote is missing ${this.where()}`)
    return unescapeQuoted(text)
  }

  /** The rest of the line, without trailing spaces. */
  rest(): string {
    let end = this.#line.length
    while (end > this.#at && /[ \t]/.test(this.#line[end - 1] ?? '')) end--
    return this.#line.slice(this.#at, end)
  }

  where(): string {
    return `at character ${this.#at + 1}`
  }

  expectEnd(): void {
    if (!this.atEnd) throw new SyntaxError(`nothing may follow ${this.where()}`)
  }

  #skipBlanks(): void {
    BLANKS.lastIndex = this.#at
    BLANKS.test(this.#line)
    this.#at = BLANKS.lastIndex
  }
}

function unescapeQuoted(text: string): string {
  return text.replaceAll(/\\(.)/gs, (sequence, escaped: string) => {
    if (escaped === 'n') return '\n'
    if (escaped === '"' || escaped === '\\') return escaped
    throw new SyntaxError(`${JSON.stringify(sequence)} is not one of the escapes \\\\, \\" and \\n`)
  })
}

/** Keeps other backslashes, as Prometheus does: this is text for people. */
function unescapeHelp(text: string): string {
  return text.replaceAll(/\\([\\n"])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
}

/** Whether Go's strconv.ParseFloat accepts it, which is how the formats define a value. */
function isFloat(text: string): boolean {
  if (SPECIAL.test(text)) return true
  if (!underscoresSeparateDigits(text)) return false
  const plain = text.replaceAll('_', '')
  if (DECIMAL.test(plain)) return Number.isFinite(Number(plain))
  return isHexadecimal(plain)
}

/** Whole milliseconds in the text format; seconds, also with a fraction, in OpenMetrics. */
function isTimestamp(text: string): boolean {
  return !SPECIAL.test(text) && isFloat(text)
}

function isHexadecimal(text: string): boolean {
  const { whole = '', fraction = '', exponent = '' } = HEXADECIMAL.exec(text)?.groups ?? {}
  if (whole === '' && fraction === '') return false
  const mantissa = Number.parseInt(`0${whole}${fraction}`, 16)
  return mantissa === 0 || Math.log2(mantissa) + Number(exponent) - 4 * fraction.length < 1_024
}

/** Underscores are allowed only between digits, or between the prefix 0x and a digit. */
function underscoresSeparateDigits(text: string): boolean {
  return !/^_|_$|__|[^\da-fx]_|_[^\da-f]/i.test(text)
}
