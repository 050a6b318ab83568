import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const PAGE = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')
const SIDECAR = 'services/sidecar/src'
const SERVICES = ['services/app', 'services/sidecar', 'services/client']

/** Every TypeScript file that this repository holds. */
const FILES = globSync('{shared,services,e2e,scripts,bench,docs,deploy}/**/*.ts', {
  cwd: ROOT,
  exclude: ['**/node_modules', '**/dist', '**/.*'],
})

/** What the services run: neither tests nor their helpers. */
const PRODUCTION = FILES.filter(
  (file) => /^(shared|services\/\w+)\/src\//.test(file) && !/\.test\.ts$|\/testing\//.test(file),
)

/** The files of this repository that a file imports, types included. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8')
  return [
    ...source.matchAll(
      /(?:^|\n)(?:import '|(?:import|export|\}) [^'\n]*from ')([^'\n]+)'|\bimport\('([^'\n]+)'\)/g,
    ),
  ]
    .map(([, fixed, late]) => fixed ?? late ?? '')
    .flatMap((name) => {
      if (name.startsWith('.')) return [normalize(join(dirname(file), name))]
      const [, workspace, path] = /^@uds-sidecar\/(\w+)\/(.+)$/.exec(name) ?? []
      if (workspace === undefined) return []
      return [workspace === 'shared' ? `shared/src/${path}.ts` : `services/${workspace}/${path}`]
    })
}

interface Row {
  readonly folder: string
  readonly allowed: readonly string[]
}

/** The rows of the table that begins with this heading: a folder, and what it may import. */
function rowsBelow(heading: string): Row[] {
  const [, table = ''] = PAGE.split(`\n${heading}\n`)
  const [section = ''] = table.split(/\n#/)
  return [...section.matchAll(/^\| `([^`]+)` \|[^|]*\| ?([^|]*)\|$/gm)].map(([, folder = '', cell = '']) => ({
    folder,
    allowed: [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''),
  }))
}

function isBelow(file: string, folder: string): boolean {
  return file.startsWith(`${folder}/`)
}

describe('the folders in ARCHITECTURE.md', () => {
  const rows = rowsBelow('## The folders')

  it('are all there', () => {
    const top = ['bench', 'config', 'deploy', 'docs', 'e2e', 'examples', 'scripts', 'shared', ...SERVICES]
    assert.deepEqual(rows.map(({ folder }) => folder).sort(), top.sort())
    assert.deepEqual(
      globSync('services/*/package.json', { cwd: ROOT })
        .map((file) => dirname(file))
        .sort(),
      SERVICES.toSorted(),
    )
  })

  for (const { folder, allowed } of rows)
    it(`${folder} imports only what it may`, () => {
      const foreign = FILES.filter((file) => isBelow(file, folder)).flatMap((file) =>
        importsOf(file)
          .filter((imported) => ![folder, ...allowed].some((place) => isBelow(imported, place)))
          .map((imported) => `${file} imports ${imported}`),
      )
      assert.deepEqual(foreign, [])
    })

  for (const service of SERVICES)
    it(`nothing in ${service} imports another service`, () => {
      const others = SERVICES.filter((other) => other !== service)
      const imported = FILES.filter((file) => isBelow(file, service)).flatMap(importsOf)
      assert.deepEqual(
        imported.filter((file) => others.some((other) => isBelow(file, other))),
        [],
      )
    })
})

describe('the folders of shared in ARCHITECTURE.md', () => {
  it('are all there', () => {
    const folders = globSync('shared/src/*/*.ts', { cwd: ROOT }).map((file) => dirname(file))
    const named = [...PAGE.matchAll(/^\| `(shared\/src\/[\w-]+)` \|/gm)].map(([, folder]) => folder)
    assert.deepEqual(named.sort(), [...new Set(folders)].sort())
  })
})

describe('the folders of the sidecar in ARCHITECTURE.md', () => {
  const rows = rowsBelow('### The sidecar')
  const nameOf = (folder: string) => folder.slice(SIDECAR.length + 1)

  it('are all there', () => {
    const folders = globSync(`${SIDECAR}/*/*.ts`, { cwd: ROOT }).map((file) => dirname(file))
    assert.deepEqual(
      rows.map(({ folder }) => folder).sort(),
      [...new Set(folders)].filter((folder) => !folder.endsWith('/testing')).sort(),
    )
  })

  for (const { folder, allowed } of rows)
    it(`${nameOf(folder)} imports only what it may`, () => {
      const everything = nameOf(folder) === 'sidecar' ? rows.map((row) => nameOf(row.folder)) : allowed
      const imported = PRODUCTION.filter((file) => isBelow(file, folder))
        .flatMap(importsOf)
        .filter((file) => isBelow(file, SIDECAR) && !isBelow(file, folder))
        .map((file) => nameOf(dirname(file)))
      assert.deepEqual(
        [...new Set(imported)].filter((name) => !everything.includes(name)),
        [],
      )
    })
})

describe('the modules of shared and of the services', () => {
  it('import nothing that does not exist', () => {
    const missing = PRODUCTION.flatMap(importsOf).filter((file) => !existsSync(join(ROOT, file)))
    assert.deepEqual(missing, [])
  })

  it('form no circle of imports, types included', () => {
    const done = new Set<string>()
    const circles: string[] = []
    const visit = (file: string, way: readonly string[]): void => {
      if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' → '))
      if (done.has(file) || way.includes(file)) return
      for (const imported of importsOf(file)) visit(imported, [...way, file])
      done.add(file)
    }
    for (const file of PRODUCTION) visit(file, [])
    assert.deepEqual(circles, [])
  })

  it('have no effect when they are imported, but for the programs', async () => {
    const modules = PRODUCTION.filter((file) => !/\bmain\.ts$/.test(file))
    assert.ok(modules.length > 100, `found only ${modules.length} modules`)
    const child = spawn(process.execPath, ['--input-type=module', '--eval', IMPORT_ALL, ...modules], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // The streams end with the child, which ends by itself unless it reports a handle.
    const [report, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
    assert.equal(errors, '')
    assert.deepEqual(JSON.parse(report), {
      imported: modules.length,
      handles: [],
      listeners: [],
      exitCode: null,
    })
  })
})

/** Imports each file of the command line, then prints what they have left behind. Pipes are written synchronously. */
const IMPORT_ALL = `
  import { resolve } from 'node:path'
  import { pathToFileURL } from 'node:url'
  const own = [process.stdout, process.stderr].length && process.getActiveResourcesInfo()
  const ownEvents = new Set(process.eventNames())
  const files = process.argv.slice(1)
  for (const file of files) await import(pathToFileURL(resolve(file)).href)
  const handles = process.getActiveResourcesInfo()
  for (const name of own) handles.splice(handles.indexOf(name), 1)
  const listeners = process.eventNames().filter((name) => !ownEvents.has(name)).map(String)
  const exitCode = process.exitCode ?? null
  process.stdout.write(JSON.stringify({ imported: files.length, handles, listeners, exitCode }))
  if (handles.length > 0) process.exit()
`
