import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as v from 'valibot'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '..')

const workflowSchema = v.object({
  on: v.record(v.string(), v.unknown()),
  jobs: v.record(
    v.string(),
    v.object({
      strategy: v.optional(v.object({ matrix: v.object({ what: v.array(v.string()) }) })),
      steps: v.array(v.object({ uses: v.optional(v.string()), run: v.optional(v.string()) })),
    }),
  ),
})

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

function workflow(name: string): v.InferOutput<typeof workflowSchema> {
  return v.parse(workflowSchema, parse(read(`.github/workflows/${name}.yml`)))
}

/** What a workflow runs, with the matrix filled in; `.ci/run` stands for what it executes. */
function commandsOf({ jobs }: v.InferOutput<typeof workflowSchema>): string {
  return Object.values(jobs)
    .flatMap(({ strategy, steps }) =>
      steps.flatMap(({ run = '' }) => {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub
        const place = '${{ matrix.what }}'
        return (strategy?.matrix.what ?? ['']).map((what) => run.replace(place, what))
      }),
    )
    .map((run) => (run === '.ci/run' ? read('.ci/run') : run))
    .join('\n')
}

/** The commands that a row of the table of CI names. */
function commandsIn(when: string): string[] {
  const [, cell = ''] = new RegExp(`^\\| ${when} \\| (.*) \\|$`, 'm').exec(read('CONTRIBUTING.md')) ?? []
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, command]) => command ?? '')
}

describe('CI as CONTRIBUTING.md describes it', () => {
  const ci = workflow('ci')
  const nightly = workflow('nightly')

  it('runs for each change and each night', () => {
    assert.deepEqual(Object.keys(ci.on).sort(), ['pull_request', 'push'])
    assert.ok('schedule' in nightly.on)
  })

  for (const [when, commands] of [
    ['each change', commandsOf(ci)],
    ['each night', commandsOf(nightly)],
  ] as const)
    it(`runs what the page names for ${when}`, () => {
      const named = commandsIn(when)
      assert.ok(named.length >= 3)
      assert.deepEqual(
        named.filter((command) => !commands.includes(command)),
        [],
      )
    })

  it('names every make target that the workflows run', () => {
    const run = [...`${commandsOf(ci)}\n${commandsOf(nightly)}`.matchAll(/\bmake ([a-z0-9-]+)/g)]
    const named = [...commandsIn('each change'), ...commandsIn('each night')]
    assert.deepEqual(
      run.map(([command]) => command).filter((command) => !named.includes(command)),
      [],
    )
  })

  it('runs the tests of other users as root', () => {
    assert.match(commandsOf(ci), /^sudo .*npm run test:root$/m)
  })

  it('pins every action by commit', () => {
    const actions = globSync('.github/workflows/*.yml', { cwd: ROOT }).flatMap((file) =>
      [...read(file).matchAll(/uses: (\S+)/g)].map(([, action]) => action ?? ''),
    )
    assert.ok(actions.length > 0)
    assert.deepEqual(
      actions.filter((action) => !/^[\w./-]+@[0-9a-f]{40}$/.test(action)),
      [],
    )
  })

  it('has updates for npm, actions and base images', () => {
    const schema = v.object({
      updates: v.array(
        v.object({ 'package-ecosystem': v.string(), schedule: v.object({ interval: v.string() }) }),
      ),
    })
    const { updates } = v.parse(schema, parse(read('.github/dependabot.yml')))
    assert.deepEqual(updates.map((update) => update['package-ecosystem']).sort(), [
      'docker',
      'github-actions',
      'npm',
    ])
    assert.deepEqual([...new Set(updates.map(({ schedule }) => schedule.interval))], ['weekly'])
  })
})
