import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { FAILURES } from '@uds-sidecar/shared/failure/failures'

const ROOT = join(import.meta.dirname, '..')
const PAGES = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT })

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

/** What stands in backticks and looks like a path of the repository: a known top-level name, a slash, no blanks. */
function pathsIn(text: string): string[] {
  const top = /^(?:services|shared|e2e|examples|scripts|config|docs|bench)\/[\w./-]+$/
  return [...text.matchAll(/`([^`\s]+)`/g)].map(([, path]) => path ?? '').filter((path) => top.test(path))
}

for (const page of PAGES) {
  describe(page, () => {
    it('names only paths that exist', () => {
      const gone = pathsIn(read(page)).filter((path) => !existsSync(join(ROOT, path)))
      assert.deepEqual(gone, [])
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
    it(`says of ${code} what the code does`, () => {
      const row = Object.entries(FAILURES).find(([name]) => name === code)?.[1]
      assert.deepEqual(row && [row.status, row.exitCode], [status ? Number(status) : null, Number(exitCode)])
    })
  }
})

describe('the rooms of the sidecar in ARCHITECTURE.md', () => {
  const SOURCE = 'services/sidecar/src'
  const rows = [
    ...read('ARCHITECTURE.md').matchAll(
      /^\| `services\/sidecar\/src\/(?<room>[\w-]+)` \|[^|]*\| (?<allowed>[^|]*) \|$/gm,
    ),
  ]
  const rooms = new Map(
    rows.map(({ groups = {} }) => [
      groups.room ?? '',
      [...(groups.allowed ?? '').matchAll(/`([\w-]+)`/g)].map(([, name]) => name ?? ''),
    ]),
  )

  it('are all there', () => {
    const folders = globSync(`${SOURCE}/*/`, { cwd: ROOT })
      .map((folder) => folder.replace(/\/$/, '').split('/').at(-1) ?? '')
      .filter(
        (folder) => !['cli', 'testing', 'main.ts', 'descriptors.test.ts', 'main.test.ts'].includes(folder),
      )
    assert.deepEqual([...rooms.keys()].sort(), folders.sort())
  })

  for (const [room, allowed] of rooms)
    it(`${room} imports only what it may`, () => {
      const files = globSync(`${SOURCE}/${room}/*.ts`, { cwd: ROOT }).filter(
        (file) => !file.endsWith('.test.ts'),
      )
      const imported = files.flatMap((file) =>
        [...read(file).matchAll(/from '\.\.\/([\w-]+)\//g)].map(([, name]) => name ?? ''),
      )
      const everything = allowed.length === 0 && room === 'sidecar' ? [...rooms.keys()] : allowed
      assert.deepEqual(
        [...new Set(imported)].filter((name) => !everything.includes(name)),
        [],
      )
    })
})
