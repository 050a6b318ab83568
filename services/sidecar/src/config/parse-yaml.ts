import {
  Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  parseDocument,
} from 'yaml'

/** How deep lists and mappings may nest. The settings need four levels. */
const MAX_DEPTH = 32

/** The library's running time grows with the square of these. 1,000 routes with every bound need 40,000 tokens. */
const MAX_TOKENS = 60_000
const MAX_ALIASES = 100

/** A mistake in the YAML syntax or structure. */
export interface YamlMistake {
  readonly line: number
  readonly message: string
}

export interface Yaml {
  readonly document: Document
  readonly lines: LineCounter
  /** The content as plain JavaScript values; undefined when there are mistakes. */
  readonly data: unknown
  readonly mistakes: readonly YamlMistake[]
}

/**
 * Parses one YAML 1.2 document of plain values. It never throws. These are mistakes too, although the library only warns
 * of them or throws later: unknown tags and directives, aliases without an anchor or inside their own anchor, and aliases
 * that would expand to more than the memory can hold.
 */
export function parseYaml(text: string): Yaml {
  const lines = new LineCounter()
  const excess = excessOf(text)
  if (excess !== undefined) return { document: new Document(), lines, data: undefined, mistakes: [excess] }
  const options = {
    lineCounter: lines,
    prettyErrors: false,
    resolveKnownTags: false,
    logLevel: 'error',
  } as const
  const document = parseDocument(text, options)
  const at = (position: number, message: string) => ({ line: lines.linePos(position).line, message })
  const found = [...document.errors, ...document.warnings].map(({ pos, message }) =>
    at(pos[0], reworded(message)),
  )
  const { version } = document.directives.yaml
  if (version !== '1.2')
    found.push({
      line: 1,
      message: `the file is YAML ${version}: remove the directive; only YAML 1.2 is supported`,
    })
  if (found.length > 0) return { document, lines, data: undefined, mistakes: found }
  const mistakes = structuralMistakes(document).map(({ position, message }) => at(position, message))
  return { document, lines, ...(mistakes.length > 0 ? { data: undefined, mistakes } : valuesOf(document)) }
}

/** Refuses text that would block a running sidecar for too long while it is parsed. */
function excessOf(text: string): YamlMistake | undefined {
  let [line, tokens, aliases] = [1, 0, 0]
  for (const token of new Lexer().lex(text)) {
    tokens += 1
    if (token.startsWith('*')) aliases += 1
    if (aliases > MAX_ALIASES) return { line, message: `the file has more than ${MAX_ALIASES} aliases` }
    if (tokens > MAX_TOKENS) return { line, message: `the file has more than ${MAX_TOKENS} YAML tokens` }
    line += token.split('\n').length - 1
  }
  return undefined
}

/** Replaces messages of the library that describe its own functions or a stack overflow. */
function reworded(message: string): string {
  if (message.startsWith('Maximum call stack')) return 'lists or mappings are nested too deeply'
  return message.startsWith('Source contains multiple documents')
    ? 'the file has more than one YAML document'
    : message
}

interface Place {
  readonly node: unknown
  /** The lists and mappings that contain it, the innermost first. */
  readonly within: Within | null
}

interface Within {
  readonly node: unknown
  readonly depth: number
  readonly outer: Within | null
}

function structuralMistakes(document: Document): { position: number; message: string }[] {
  const mistakes: { position: number; message: string }[] = []
  const add = (node: unknown, message: string) =>
    mistakes.push({ position: (isNode(node) ? node.range?.[0] : undefined) ?? 0, message })
  const open: Place[] = [{ node: document.contents, within: null }]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { node, within } = place
    if (isAlias(node)) {
      const target = node.resolve(document)
      if (target === undefined) add(node, `alias *${node.source} has no anchor before it`)
      else if (isWithin(target, within)) add(node, `alias *${node.source} is inside its own anchor`)
    } else if (isPair(node)) {
      if (!isScalar(node.key)) add(node.key, 'the name of a setting must be text')
      open.push({ node: node.value, within })
    } else if (isMap(node) || isSeq(node)) {
      const depth = (within?.depth ?? 0) + 1
      if (depth > MAX_DEPTH) add(node, `lists or mappings are nested more than ${MAX_DEPTH} deep`)
      else for (const item of node.items) open.push({ node: item, within: { node, depth, outer: within } })
    }
  }
  return mistakes
}

function isWithin(target: unknown, within: Within | null): boolean {
  for (let each = within; each !== null; each = each.outer) if (each.node === target) return true
  return false
}

function valuesOf(document: Document): Pick<Yaml, 'data' | 'mistakes'> {
  try {
    return { data: document.toJS({ maxAliasCount: MAX_ALIASES }), mistakes: [] }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const message = `the aliases of the file cannot be expanded: ${reason}`
    return { data: undefined, mistakes: [{ line: 1, message }] }
  }
}
