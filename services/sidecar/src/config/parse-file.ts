import { Failure } from '@uds-sidecar/shared/failure/failure'
import * as v from 'valibot'
import { type Document, isMap, isNode, isScalar, type LineCounter } from 'yaml'
import { conflicts } from './conflicts.ts'
import { type ConfigFile, fileSchema } from './file-schema.ts'
import type { Mistake } from './mistake.ts'
import { parseYaml } from './parse-yaml.ts'

/** Formats a path as `routes[0].listen`; the empty path as `the file`. */
export function formatPath(path: Mistake['path']): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
  return text.startsWith('.') ? text.slice(1) : text || 'the file'
}

const MAX_LETTERS = 200

/** Formats a value for a message: as JSON if possible, cut after 200 characters. */
export function formatValue(value: unknown): string {
  const text = typeof value === 'number' ? `${value}` : (jsonOf(value) ?? String(value))
  return text.length > MAX_LETTERS ? `${text.slice(0, MAX_LETTERS)}…` : text
}

function jsonOf(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? `${part}` : part))
}

/** How many mistakes a message lists. A file that is not a configuration at all could have one per line. */
const MAX_MISTAKES = 100

/**
 * Parses and validates the text of a configuration file: YAML 1.2, which includes JSON.
 * @param name of the file, for messages: `name:line`.
 * @throws Failure `bad_config` that lists the first 100 mistakes, each with its line.
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
  const listed = located.map(({ mistake, line }) => `${name}:${line} ${describe(mistake)}`)
  throw badFile(listed, mistakes.length)
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

/** The line of the setting at `path`. When the file lacks it, the line of the closest parent that exists. */
function lineOf(document: Document, lines: LineCounter, path: Mistake['path']): number {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents
  const pair = isMap(parent)
    ? parent.items.find(({ key }) => isScalar(key) && `${key.value}` === `${path.at(-1)}`)
    : undefined
  const node = path.length === 0 ? document.contents : (pair?.key ?? document.getIn(path, true))
  if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  return path.length === 0 ? 1 : lineOf(document, lines, path.slice(0, -1))
}

function badFile(mistakes: readonly string[], total = mistakes.length): Failure {
  const listed = mistakes.slice(0, MAX_MISTAKES)
  const more = total > listed.length ? [`and ${total - listed.length} more`] : []
  return new Failure('bad_config', {
    message: [...listed, ...more].join('\n  '),
    hint: 'correct each of these lines; sidecar --check validates without starting',
  })
}
