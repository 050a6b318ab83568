import { type Palette, table } from '../output/text.ts'
import type { Outcome, Result } from './check.ts'

const MARKS: Record<Result, string> = { ok: '✓ ok', differs: '✗ differs', 'not shown': '– not shown' }

const HEADINGS = ['', 'what is done', 'endpoint', 'expected', 'observed', '']

export type Tally = Record<Result, number>

export function tally(outcomes: readonly Outcome[]): Tally {
  const count = (wanted: Result) => outcomes.filter(({ result }) => result === wanted).length
  return { ok: count('ok'), differs: count('differs'), 'not shown': count('not shown') }
}

/** The table, its notes, and the counts. Only the first line of a requirement has its name. */
export function report(outcomes: readonly Outcome[], colours: Palette): string {
  const notes = [...new Set(outcomes.flatMap(({ note }) => note ?? []))]
  const lines = outcomes.map((outcome, i) =>
    line(outcome, outcomes[i - 1]?.row === outcome.row, notes, colours),
  )
  return [
    table([HEADINGS.map(colours.faint), ...lines]),
    '',
    ...notes.map((note, i) => `[${i + 1}] ${note}`),
    verdict(tally(outcomes), colours),
    '',
  ].join('\n')
}

function line(outcome: Outcome, again: boolean, notes: readonly string[], colours: Palette): string[] {
  const { row, what, endpoint = '-', expected, observed, result, note } = outcome
  const paint = { ok: colours.good, differs: colours.bad, 'not shown': colours.faint }[result]
  const mark = note === undefined ? MARKS[result] : `${MARKS[result]} [${notes.indexOf(note) + 1}]`
  return [again ? '' : colours.strong(row), what, endpoint, expected, observed, paint(mark)]
}

function verdict({ ok, differs, 'not shown': notShown }: Tally, { good, bad }: Palette): string {
  const word = differs === 0 ? good('as expected') : bad('NOT as expected')
  return `${word}: ${ok} ok, ${differs} differ, ${notShown} not shown here`
}
