import { stripVTControlCharacters } from 'node:util'

/** A line that fits a terminal of so many columns; one that does not loses its end, and with it its colours. */
export function clip(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line)
  return plain.length <= columns ? line : `${plain.slice(0, Math.max(0, columns - 1))}…`
}
