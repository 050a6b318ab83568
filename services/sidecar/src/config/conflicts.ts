import type { Mistake } from './mistake.ts'

/** Names and listening addresses that are given twice, read leniently so that they are found beside other mistakes. */
export function conflicts(data: unknown): Mistake[] {
  const { ops, routes } = (data ?? {}) as { ops?: unknown; routes?: unknown }
  const rows = Array.isArray(routes) ? (routes as unknown[]) : []
  const listens = rows.map((row, index) => entry(row, index, 'listen'))
  return [
    ...twice(rows.map((row, index) => entry(row, index, 'name'))),
    ...twice([{ value: ops, path: ['ops'] }, ...listens].filter(({ value }) => !isAnyPort(value))),
  ]
}

interface Entry {
  readonly value: unknown
  readonly path: Mistake['path']
}

function entry(row: unknown, index: number, key: string): Entry {
  const value = typeof row === 'object' && row !== null ? (row as Record<string, unknown>)[key] : undefined
  return { value, path: ['routes', index, key] }
}

function twice(entries: Entry[]): Mistake[] {
  const seen = new Set<unknown>()
  return entries.flatMap(({ value, path }) => {
    if (typeof value !== 'string') return []
    if (seen.has(value)) return [{ path, message: `${JSON.stringify(value)} is used twice` }]
    seen.add(value)
    return []
  })
}

/** The kernel chooses, so two of these do not meet. */
function isAnyPort(value: unknown): boolean {
  return typeof value === 'string' && /^tcp:.*:0$/.test(value)
}
