import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { CHUNK_STATES, type Transition } from './chunk-states.ts'
import { CLIENT_STATES, UPSTREAM_STATES } from './connection-states.ts'

/**
 * docs/http1.md shows the tables of http1. What stands between `<!-- NAME -->` and `<!-- end -->` is drawn here; with
 * DRAW=1 in the environment this test puts it into the page.
 */
const PAGE = new URL('../../../../docs/http1.md', import.meta.url)

interface Arrow {
  readonly from: string
  readonly on: string
  readonly to: string
}

function arrowsOf(states: Readonly<Record<string, Readonly<Record<string, string>>>>): Arrow[] {
  return Object.entries(states).flatMap(([from, events]) =>
    Object.entries(events).map(([on, to]) => ({ from, on, to })),
  )
}

/** Events that lead from one state to the same other one share an arrow. */
function diagram(arrows: readonly Arrow[], first: string): string {
  const groups = Map.groupBy(arrows, ({ from, to }) => `${from} --> ${to}`)
  const lines = [...groups].map(([arrow, all]) => `  ${arrow}: ${all.map(({ on }) => on).join('<br/>')}`)
  return ['```mermaid', 'stateDiagram-v2', `  [*] --> ${first}`, ...lines, '```'].join('\n')
}

function chunkTable(): string {
  const rows = Object.entries(CHUNK_STATES).flatMap(([state, transitions]) =>
    transitions.map((transition) => chunkRow(state, transition)),
  )
  return ['| state | on | next state | only in a response |', '|---|---|---|---|', ...rows].join('\n')
}

function chunkRow(state: string, { on, to, effect, onlyInResponse }: Transition): string {
  const next = effect === 'endSizeLine' ? `${to}; \`trailer start\` after a size of 0` : to
  return `| ${state} | ${on.length > 2 ? on : `\`${on}\``} | ${next} | ${onlyInResponse ? 'accepted; the byte is not forwarded' : ''} |`
}

const DRAWN = {
  'client states': diagram(arrowsOf(CLIENT_STATES), 'idle'),
  'upstream states': diagram(arrowsOf(UPSTREAM_STATES), 'connecting'),
  'chunk states': chunkTable(),
}

function withDrawn(page: string, name: string, drawn: string): string {
  const place = new RegExp(`(?<=<!-- ${name} -->\n).*?(?=\n<!-- end -->)`, 's')
  assert.match(page, place, `docs/http1.md has no place for the ${name}`)
  return page.replace(place, () => drawn)
}

describe('docs/http1.md', () => {
  if (process.env.DRAW === '1') {
    const page = readFileSync(PAGE, 'utf8')
    writeFileSync(
      PAGE,
      Object.entries(DRAWN).reduce((text, [name, drawn]) => withDrawn(text, name, drawn), page),
    )
  }

  for (const [name, drawn] of Object.entries(DRAWN))
    it(`shows the ${name} as the code has them`, () => {
      const page = readFileSync(PAGE, 'utf8')
      assert.equal(
        page,
        withDrawn(page, name, drawn),
        'draw it again: DRAW=1 node --test services/sidecar/src/http1/http1-page.test.ts',
      )
    })
})
