import { Failure } from '@uds-sidecar/shared/failure/failure'
import * as v from 'valibot'
import { type Document, isMap, isNode, isScalar, type LineCounter } from 'yaml'
import { conflicts } from './conflicts.ts'
import { type ConfigFile, fileSchema } from './file-schema.ts'
import { formatPath, formatValue, type Mistake } from './mistake.ts'
import { parseYaml } from './parse-yaml.ts'

/** Told of one file; one that is no configuration at all has as many as it has lines. */
const MAX_MISTAKES = 100

/**
 * Reads the text of a configuration file (YAML 1.2, so JSON too).
 * @param name as it stands in messages, before the line number.
 * @throws Failure `bad_config` with every mistake, each with its line.
 */
export function parseFile(text: string, name: string): ConfigFile {
  const { document, lines, data, mistakes: yamlMistakes } = parseYaml(text)
  if (yamlMistakes.length > 0)
    throw badFile(yamlMistakes.map(({ line, message }) => `${name}:${line} ${message}`))
  const result = v.safeParse(fileSchema, data)
  const mistakes = [...(result.issues ?? []).map(mistakeOf), ...conflicts(data)]
  if (result.success && mistakes.length === 0) return result.output
  const located = mistakes
    .slice(0, MAX_MISTAKES)
    .map((mistake) => ({ mistake, line: lineOf(document, lines, mistake.path) }))
  located.sort((a, b) => a.line - b.line)
  const told = located.map(({ mistake, line }) => `${name}:${line} ${describe(mistake)}`)
  throw badFile(told, mistakes.length)
}

function mistakeOf(issue: v.BaseIssue<unknown>): Mistake {
  const path = (issue.path ?? []).map((item) => item.key as string | number)
  if (issue.expected === 'never') return { path, message: issue.message }
  if (issue.input === undefined) return { path, message: 'is missing' }
  return { path, message: `is ${formatValue(issue.input)}: ${issue.message}` }
}

function describe({ path, message }: Mistake): string {
  return `${formatPath(path)} ${message}`
}

/** The line of the value at `path`, or of the nearest thing around it that the file has. */
function lineOf(document: Document, lines: LineCounter, path: Mistake['path']): number {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents
  const pair = isMap(parent)
    ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
    : undefined
  const node = path.length === 0 ? document.contents : (pair?.key ?? document.getIn(path, true))
  if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  return path.length === 0 ? 1 : lineOf(document, lines, path.slice(0, -1))
}

function badFile(mistakes: readonly string[], total = mistakes.length): Failure {
  const told = mistakes.slice(0, MAX_MISTAKES)
  const more = total > told.length ? [`and ${total - told.length} more`] : []
  return new Failure('bad_config', {
    message: [...told, ...more].join('\n  '),
    hint: 'correct each of these lines; sidecar --check validates without starting',
  })
}
