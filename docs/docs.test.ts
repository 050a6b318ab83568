import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { FAILURES } from '@uds-sidecar/shared/failure/failures'

const ROOT = join(import.meta.dirname, '..')
const PAGES = globSync(
  ['*.md', 'docs/**/*.md', 'deploy/**/*.md', 'e2e/*.md', 'services/*/*.md', 'shared/*/*.md'],
  {
    cwd: ROOT,
  },
)

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

/** The names of our settings, and of systemd's. */
const VARIABLE = /\b(?:APP|SIDECAR|CLIENT|PUBLISH|LISTEN|UDS_SIDECAR)_[A-Z_]*[A-Z]\b/g
const VARIABLES = new Set(
  globSync(['compose.yaml', 'scripts/*.sh', '{shared,services/*}/src/**/*.ts'], {
    cwd: ROOT,
    exclude: ['**/*.test.ts'],
  }).flatMap((file) => read(file).match(VARIABLE) ?? []),
)
const SCRIPTS = new Set(
  ['package.json', 'e2e/package.json'].flatMap((file) => Object.keys(JSON.parse(read(file)).scripts)),
)

/** Words in backticks that look like a path of the repository: a top-level name, a slash, no spaces. */
function pathsIn(text: string): string[] {
  const top = /^(?:services|shared|deploy|e2e|examples|scripts|config|docs|bench|\.github|\.ci)\/[\w./-]+$/
  return [...text.matchAll(/`([^`\s]+)`/g)].map(([, path]) => path ?? '').filter((path) => top.test(path))
}

for (const page of PAGES) {
  describe(page, () => {
    it('names only paths that exist', () => {
      const gone = pathsIn(read(page)).filter((path) => !existsSync(join(ROOT, path)))
      assert.deepEqual(gone, [])
    })

    it('names only words of a file that are in it', () => {
      const pairs = [...read(page).matchAll(/`([\w.]+)(?:\(\))?`\s(?:in|of)\s`([\w./-]+\/[\w.-]+)`/g)]
      const gone = pairs
        .filter(([, word = '', file = '']) => !read(file).includes(word))
        .map(([pair]) => pair)
      assert.deepEqual(gone, [])
    })

    it('names only variables that something reads', () => {
      const named = read(page).match(VARIABLE) ?? []
      assert.deepEqual(
        named.filter((name) => !VARIABLES.has(name)),
        [],
      )
    })

    it('names only npm scripts that exist', () => {
      const named = [...read(page).matchAll(/\bnpm run (?:--silent )?([a-z:]+)/g)].map(
        ([, name]) => name ?? '',
      )
      assert.deepEqual(
        named.filter((name) => !SCRIPTS.has(name)),
        [],
      )
    })

    it('names only make targets that exist', () => {
      const targets = new Set([...read('Makefile').matchAll(/^([a-z0-9-]+):/gm)].map(([, name]) => name))
      const code = [...read(page).matchAll(/```[a-z]*\n(.*?)```|`([^`\n]+)`/gs)]
        .map(([text]) => text)
        .join('\n')
      const named = [...code.matchAll(/(?:^|[`$\s])make ([a-z0-9-]+)/g)].map(([, name]) => name)
      assert.deepEqual(
        named.filter((name) => !targets.has(name)),
        [],
      )
    })
  })
}

describe('the failure table of README.md', () => {
  const rows = [...read('README.md').matchAll(/^\| [^|]+ \| `(\w+)` \| (\d*) ?\| (\d+) \|$/gm)]

  it('is found', () => {
    assert.ok(rows.length >= 10)
  })

  for (const [, code, status, exitCode] of rows) {
    it(`has status and exit code of ${code}`, () => {
      const row = Object.entries(FAILURES).find(([name]) => name === code)?.[1]
      assert.deepEqual(row && [row.status, row.exitCode], [status ? Number(status) : null, Number(exitCode)])
    })
  }
})

describe('the problems that README.md shows', () => {
  const problems = [...read('README.md').matchAll(/"title":"([^"]+)","status":(\d+).*?"code":"(\w+)"/g)]

  it('are found', () => {
    assert.ok(problems.length >= 2)
  })

  for (const [, title, status, code] of problems)
    it(`have title and status of ${code}`, () => {
      const row = Object.entries(FAILURES).find(([name]) => name === code)?.[1]
      assert.deepEqual([title, Number(status)], [row?.title, row?.status])
    })
})

describe('the words of docs/glossary.md', () => {
  const GLOSSARY = 'docs/glossary.md'
  const cells = [...read(GLOSSARY).matchAll(/^\| (?!word )[^|]+ \| [^|]+ \| ([^|]*)\|$/gm)].map(
    ([, not = '']) => not,
  )
  /** Words of the last column that are wrong wherever they stand: those with a note are right somewhere. */
  const wrong = cells
    .flatMap((not) => not.split(','))
    .map((word) => word.trim())
    .filter((word) => word !== '' && !word.includes('('))

  it('are found', () => {
    assert.ok(wrong.length >= 8, wrong.join(', '))
  })

  // docs/benchmarks.md is generated, from names of programs and of figures.
  for (const page of PAGES.filter((page) => ![GLOSSARY, 'docs/benchmarks.md'].includes(page)))
    it(`are kept in ${page}`, () => {
      const prose = read(page).replace(/```.*?```|`[^`\n]*`|\]\([^)]*\)/gs, '')
      const found = wrong.flatMap((word) => prose.match(new RegExp(`\\b${word}(?:s|es)?\\b`, 'i'))?.[0] ?? [])
      assert.deepEqual(found, [])
    })
})
