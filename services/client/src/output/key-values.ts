import { table } from './table.ts'

/** A JSON object for a person, of text that was made visible: one `key  value` line each; an array of objects becomes a table of its own below. */
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
