/** The word of `known` that `typed` most likely meant: at most a third of its letters (and at least one) differ. */
export function suggest(typed: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(typed.length / 3))
  const [nearest] = known
    .map((word) => ({ word, distance: editDistance(typed, word) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
  return nearest?.word ?? known.find((word) => typed.length >= 2 && word.startsWith(typed))
}

/** Levenshtein's: how many letters must be put in, taken out or changed; two swapped neighbours count as two. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) row = nextRow(row, a[i - 1] as string, b, i)
  return row[b.length] as number
}

function nextRow(above: readonly number[], letter: string, b: string, first: number): number[] {
  const row = [first]
  for (let j = 1; j <= b.length; j++) {
    const change = (above[j - 1] as number) + (b[j - 1] === letter ? 0 : 1)
    row.push(Math.min(change, (above[j] as number) + 1, (row[j - 1] as number) + 1))
  }
  return row
}
