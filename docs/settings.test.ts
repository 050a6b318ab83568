import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as v from 'valibot'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '..')

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

const composeSchema = v.object({
  services: v.record(
    v.string(),
    v.object({
      user: v.string(),
      group_add: v.optional(v.array(v.string()), []),
      network_mode: v.optional(v.string()),
      networks: v.optional(v.array(v.string()), []),
      ports: v.optional(v.array(v.string()), []),
    }),
  ),
  volumes: v.record(v.string(), v.nullable(v.object({ driver_opts: v.object({ o: v.string() }) }))),
})

const composeText = read('compose.yaml')
const compose = v.parse(composeSchema, parse(composeText, { merge: true }))

describe('ARCHITECTURE.md and compose.yaml', () => {
  const page = read('ARCHITECTURE.md')

  it('agree on users, groups and networks', () => {
    const rows = [...page.matchAll(/^\| (\w+) \| (\d+:\d+) \| ([\d, ]*)\| ([\w, ]+) \|/gm)]
    const documented = rows.map(([, name, user, groups = '', network]) => [
      name,
      user,
      groups.split(',').flatMap((group) => group.trim() || []),
      network,
    ])
    const real = Object.entries(compose.services).map(
      ([name, { user, group_add, network_mode, networks }]) => [
        name,
        user,
        group_add,
        network_mode ?? networks.join(', '),
      ],
    )
    assert.deepEqual(documented, real)
  })

  it('agree on owner, group and mode of the volumes in memory', () => {
    const documented = [...page.matchAll(/([\w-]+-(?:socket|certificates))(?: is)? `(\d+:\d+)`/g)].map(
      ([, name, owner]) => [name, owner],
    )
    const real = Object.entries(compose.volumes).flatMap(([name, volume]) => {
      if (volume === null) return []
      const [, uid, gid, mode] = /^uid=(\d+),gid=(\d+),mode=(\d+)/.exec(volume.driver_opts.o) ?? []
      assert.equal(mode, '2750', name)
      return [[name, `${uid}:${gid}`]]
    })
    assert.deepEqual(documented.sort(), real.sort())
  })
})

describe('.env.example', () => {
  const lines = [...read('.env.example').matchAll(/^#(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [
    name,
    value,
  ])
  const inCompose = [...composeText.matchAll(/\$\{(\w+):-([^}]*)\}/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ])
  const inDockerfile = [...read('Dockerfile').matchAll(/^ARG (\w+_IMAGE)=(.*)$/gm)].map(
    ([, name = '', value = '']) => [name, value],
  )
  const defaults = new Map([...inCompose, ...inDockerfile].map(([name = '', value = '']) => [name, value]))

  it('has the default of every variable that compose.yaml and the Dockerfile read', () => {
    const set = new Map(lines.map(([name = '', value = '']) => [name, value]))
    // Set by scripts/compose.sh, and by make in the images.
    defaults.delete('UDS_SIDECAR_REVISION')
    for (const [name, value] of defaults) assert.equal(set.get(name), value, name)
  })

  it('has no variable that nothing reads', () => {
    const known = [...defaults.keys(), 'COMPOSE_PROFILES', 'NPM_CONFIG_REGISTRY']
    assert.deepEqual(
      lines.map(([name]) => name).filter((name = '') => !known.includes(name)),
      [],
    )
  })
})

describe('README.md', () => {
  it('names the ports that compose.yaml publishes', () => {
    const ports = ['sidecar'].flatMap((name) => compose.services[name]?.ports ?? [])
    const published = ports.map((port) => port.split(':').at(-1) ?? '')
    const [picture = ''] = /```\n.*?```/s.exec(read('README.md')) ?? []
    assert.equal(published.length, 5)
    assert.deepEqual(
      published.filter((port) => !picture.includes(`TCP ${port}`)),
      [],
    )
  })
})

describe('services/app/README.md', () => {
  const page = read('services/app/README.md')

  it('has every variable of the app with its default', () => {
    const entries = read('services/app/src/config.ts').matchAll(
      /^ {2}((?:APP|LOG)_\w+): v\.optional\(\w+(?:\([^)]*\))?(?:, '([^']*)')?\),$/gm,
    )
    const real = [...entries].map(([, name, value = '']) => [name, value])
    const documented = [...page.matchAll(/^\| `((?:APP|LOG)_\w+)` \| (?:`([^`]*)` )?\| (?!\d{4})/gm)].map(
      ([, name, value = '']) => [name, value],
    )
    assert.ok(real.length >= 11)
    assert.deepEqual(
      real.filter(
        ([name, value]) => !documented.some(([documented, as]) => documented === name && as === value),
      ),
      [],
    )
  })

  it('has every variable of socket activation', () => {
    const source = read('shared/src/listen/inherited-descriptors.ts')
    const variables = [...new Set(source.match(/\bLISTEN_[A-Z]+\b/g))]
    assert.ok(variables.length >= 3)
    assert.deepEqual(
      variables.filter((name) => !page.includes(`| \`${name}\` |`)),
      [],
    )
  })

  it('names every path that the app serves', () => {
    const sources = globSync('services/app/src/{api,admin}/*-handler.ts', { cwd: ROOT }).map(read)
    const routes = sources.flatMap((source) => [...source.matchAll(/^\s*\.(get|post|put)\('([^']+)'/gm)])
    assert.ok(routes.length >= 9)
    for (const [, method = '', path = ''] of routes)
      assert.match(
        page,
        new RegExp(`${method.toUpperCase()} +(?:'?http://app)?${path}\\b`),
        `${method} ${path}`,
      )
  })
})
