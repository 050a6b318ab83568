import type { Writable } from 'node:stream'
import { stripVTControlCharacters, styleText } from 'node:util'

/** A stream that may be a terminal. */
export type Output = Writable & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** Shortens a line that is wider than the terminal; a shortened line has no colours. */
export function clip(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line)
  return plain.length <= columns ? line : `${plain.slice(0, Math.max(0, columns - 1))}…`
}

export type Style = (text: string) => string

export interface Palette {
  readonly good: Style
  readonly bad: Style
  readonly faint: Style
  readonly strong: Style
}

/** Colours for a terminal; elsewhere, and with NO_COLOR set (no-color.org), plain text. */
export function palette(stream: Output, env: NodeJS.ProcessEnv): Palette {
  const coloured = stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
  const style = (format: Parameters<typeof styleText>[0]): Style =>
    coloured
      ? (text) => (text === '' ? '' : styleText(format, text, { validateStream: false }))
      : (text) => text
  return { good: style('green'), bad: style(['bold', 'red']), faint: style('dim'), strong: style('bold') }
}

/** A JSON object as `key  value` lines; an array of objects becomes a table below. Its text must be escaped already. */
export function keyValues(object: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(object)
  const scalars = entries
    .filter(([, value]) => !isRecordList(value))
    .map(([key, value]) => [key, inline(value)])
  const lists = entries.filter(([, value]) => isRecordList(value))
  return [
    table(scalars),
    ...lists.map(([key, value]) => listed(key, value as Record<string, unknown>[])),
  ].join('\n')
}

function isRecordList(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => typeof item === 'object' && item !== null)
  )
}

function listed(key: string, items: readonly Readonly<Record<string, unknown>>[]): string {
  const columns = [...new Set(items.flatMap((item) => Object.keys(item)))]
  const rows = items.map((item) => ['', ...columns.map((column) => inline(item[column]))])
  return `${key}\n${table([['', ...columns], ...rows])}`
}

function inline(value: unknown): string {
  if (value === undefined || value === null) return '-'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Cells in columns as wide as their widest cell, two spaces apart. Colours have no width. No newline at the end. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = columnWidths(rows)
  return rows
    .map((row) =>
      row
        .map((cell, i) => pad(cell, widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  return Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => width(row[i] ?? ''))))
}

function pad(cell: string, to: number): string {
  return cell + ' '.repeat(to - width(cell))
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length
}
