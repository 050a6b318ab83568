/** The word of `known` that is most similar to `typed`: at most a third of its letters, but at least one, may differ. */
export function suggest(typed: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(typed.length / 3))
  const [nearest] = known
    .map((word) => ({ word, distance: editDistance(typed, word) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
  return nearest?.word ?? known.find((word) => typed.length >= 2 && word.startsWith(typed))
}

/** How many letters must be inserted, deleted, replaced or swapped with their neighbour (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let above: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) [above, row] = [row, nextRow(above, row, a.slice(0, i), b)]
  return row[b.length] as number
}

function nextRow(beforeLast: readonly number[], last: readonly number[], a: string, b: string): number[] {
  const row = [a.length]
  for (let j = 1; j <= b.length; j++) {
    const changed = (last[j - 1] as number) + (b[j - 1] === a.at(-1) ? 0 : 1)
    const swapped = isSwap(a, b.slice(0, j)) ? (beforeLast[j - 2] as number) + 1 : Number.POSITIVE_INFINITY
    row.push(Math.min(changed, swapped, (last[j] as number) + 1, (row[j - 1] as number) + 1))
  }
  return row
}

function isSwap(a: string, b: string): boolean {
  return a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1)
}
