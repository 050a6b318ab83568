// The Grafana dashboard asks for what there is: promtool takes each of its expressions, and each metric and label in them
// is in a real scrape of the sidecar, or a recording rule.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { image } from './support/engine.ts'
import { runToEnd } from './support/own-container.ts'
import { REPOSITORY } from './support/run.ts'
import { sharedStack } from './support/stack.ts'

const DASHBOARD = 'config/grafana/dashboards/uds-sidecar.json'
const RULES = 'config/recording.yml'

test('the dashboard shows what exists', async (t) => {
  const expressions = await expressionsOf(DASHBOARD)
  assert.ok(expressions.length > 10)
  const rules = await readFile(join(REPOSITORY, RULES), 'utf8')
  const recorded = [...rules.matchAll(/record: (\S+)\n +expr: (.*)/g)].map(([, name = '', expr = '']) => ({
    name,
    expr,
  }))

  await t.test('promtool takes each expression', async () => {
    await using directory = await tempDirectory()
    const quoted = expressions.map(
      (expr, index) => `{"record":"panel:${index}","expr":${JSON.stringify(expr)}}`,
    )
    await writeFile(directory.at('panels.yml'), `groups: [{name: panels, rules: [${quoted.join(', ')}]}]`)
    const { exitCode, stdout, stderr } = await runToEnd({
      image: image('prometheus'),
      mounts: [`${directory.path}:/panels:ro`, `${join(REPOSITORY, 'config')}:/config:ro`],
      scratch: ['/tmp'],
      entrypoint: ['promtool', 'check', 'rules', '/panels/panels.yml', '/config/recording.yml'],
    })
    assert.equal(exitCode, 0, stdout + stderr)
  })

  await t.test('each metric and label is in a real scrape', async () => {
    const stack = await sharedStack(t)
    await stack.request('api', '/status')
    await stack.request('api', '/not-allowed')
    const scrape = String((await stack.request('ops', '/metrics')).body)
    for (const expr of [...expressions, ...recorded.map(({ expr }) => expr)])
      for (const { metric, labels } of selectorsIn(expr)) {
        const rule = recorded.find(({ name }) => name === metric)
        const known =
          rule === undefined ? labelsOf(scrape, metric) : labelsOf(`${metric}{route=""} 1`, metric)
        assert.ok(known !== null, `${metric} of ${expr}`)
        for (const label of labels) assert.ok(known.has(label), `${label} of ${metric} in ${expr}`)
      }
  })
})

/** What the panels, annotations and variables ask Prometheus for, with a value for each variable. */
async function expressionsOf(file: string): Promise<string[]> {
  const found: string[] = []
  JSON.parse(await readFile(join(REPOSITORY, file), 'utf8'), (key, value) => {
    if (key === 'expr') found.push(value)
    const [, labelled] = /^label_values\((.*), \w+\)$/.exec(key === 'query' ? `${value}` : '') ?? []
    if (labelled !== undefined) found.push(labelled)
    return value
  })
  return found.map((expr) => expr.replaceAll('$route', 'api'))
}

const WORDS = /\b(?:sum|min|max|rate|changes|histogram_quantile|time|by)\b/g

/** The metrics of an expression, with the labels that it selects or groups by. */
function selectorsIn(expr: string): { metric: string; labels: string[] }[] {
  const groups = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(', '))
  const rest = expr
    .replace(/\bby \([^)]*\)/g, '')
    .replace(/\[\w+\]/g, '')
    .replace(WORDS, '')
  const selectors = [...rest.matchAll(/([a-z][\w:]*)(?:\{([^}]*)\})?/g)]
  assert.ok(selectors.length > 0, expr)
  return selectors.map(([, metric = '', matchers = '']) => ({
    metric,
    labels: [...groups, ...[...matchers.matchAll(/(\w+)=/g)].map(([, name = '']) => name)],
  }))
}

/** The labels that the series of a metric have, with those that a scrape adds; null: there is no such metric. */
function labelsOf(scrape: string, metric: string): Set<string> | null {
  const series = [...scrape.matchAll(new RegExp(`^${metric}(?:\\{(.*)\\})? `, 'gm'))]
  if (series.length === 0) return null
  const names = series.flatMap(([, labels = '']) =>
    [...labels.matchAll(/(\w+)="/g)].map(([, name = '']) => name),
  )
  return new Set([...names, 'job', 'instance'])
}
