import { stripVTControlCharacters } from 'node:util'

/** Cells in columns as wide as their widest cell, two spaces apart; colours take no width. No newline at the end. */
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
