import { type Palette, table } from '../output/text.ts'
import type { Diagnosis, Finding, Fix, Step } from './diagnosis.ts'

/** All diagnoses as text. If there are several, those without a finding take one line each, and a count follows. */
export function report(diagnoses: readonly Diagnosis[], colours: Palette): string {
  if (diagnoses.length === 1) return diagnoses.map((only) => whole(only, colours)).join('')
  const texts = diagnoses.map((one) =>
    one.finding === null ? brief(one, colours) : `\n${whole(one, colours)}`,
  )
  return `${texts.join('')}\n${count(diagnoses)}\n`
}

/** The steps, the verdict, and how to fix it. */
function whole(diagnosis: Diagnosis, colours: Palette): string {
  const { endpoint, steps, finding } = diagnosis
  return [
    colours.strong(endpoint),
    table(steps.map((step) => line(step, colours))),
    ...(finding === null ? [`  ${verdict(diagnosis, colours)}`] : conclusion(finding, colours)),
    '',
  ].join('\n')
}

function brief(diagnosis: Diagnosis, colours: Palette): string {
  const { endpoint, steps } = diagnosis
  const notes = steps
    .filter(({ state, subject }) => state === 'note' && (subject === 'file' || subject === 'tls'))
    .map(({ said }) => said)
  const last = diagnosis.verdict === 'live' ? [steps.at(-1)?.said ?? ''] : []
  return `${colours.good('✓')} ${endpoint}: ${[verdict(diagnosis, colours), ...last, ...notes].join(', ')}\n`
}

function count(diagnoses: readonly Diagnosis[]): string {
  const live = diagnoses.filter(({ verdict }) => verdict === 'live').length
  const denied = diagnoses.filter(({ verdict }) => verdict === 'denied_by_design').length
  const rest = diagnoses.length - live - denied
  return `${live} live, ${denied} denied by design, ${rest} with a finding`
}

function line({ state, subject, said }: Step, { good, bad, strong }: Palette): string[] {
  const mark = { ok: good('✓'), note: strong('!'), failed: bad('✗') }[state]
  return [` ${mark}`, subject, said]
}

function verdict({ verdict }: Diagnosis, { good }: Palette): string {
  return good(verdict === 'live' ? 'live' : 'denied, as intended for this user')
}

const LABELS = { compose: 'compose.yaml', shell: 'run', advice: 'do' } as const

function conclusion({ code, message, fixes }: Finding, { bad, faint }: Palette): string[] {
  const rows = fixes.map(({ where, text, when }: Fix) => [
    '   ',
    faint(LABELS[where]),
    text,
    when === undefined ? '' : faint(`(${when})`),
  ])
  return [`  ${bad(code)}: ${message}`, '  to fix it:', table(rows)]
}
