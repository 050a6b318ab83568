import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const PAGE = readFileSync(join(ROOT, 'deploy/README.md'), 'utf8')
const EVIDENCE = 'who has seen it'
/** A test of this repository, a hand with date and version, or nobody. */
const SEEN = /`[\w./-]+\.test\.ts`|by hand, \d{4}-\d{2}(?:-\d{2})?, [^|]*\d+\.\d+|\bnobody\b/

const [, table = ''] = PAGE.split('## Which place does what, and who has seen it\n')
const [header = [], , ...rows] =
  table
    .split('\n## ')[0]
    ?.split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ) ?? []

describe('the matrix of deploy/README.md', () => {
  it('has a row of evidence below each feature', () => {
    assert.ok(rows.length >= 16)
    assert.deepEqual(
      rows.map(([name]) => name === EVIDENCE),
      rows.map((_, place) => place % 2 === 1),
    )
  })

  for (const [place, [feature]] of rows.entries())
    if (feature !== EVIDENCE)
      for (const [column, where] of header.entries())
        if (where !== '')
          it(`says who has seen "${feature}" in ${where}`, () => {
            assert.notEqual(rows[place]?.[column] ?? '', '')
            assert.match(rows[place + 1]?.[column] ?? '', SEEN)
          })

  it('names no test of make places that make places does not run', () => {
    const places = [...PAGE.matchAll(/`(deploy\/[^`]*\.test\.ts)`/g)].map(([, path]) => path ?? '')
    assert.deepEqual(
      places.filter((path) => !/^deploy\/[\w-]+\/(place\/)?[\w-]+\.test\.ts$/.test(path)),
      [],
    )
  })
})
