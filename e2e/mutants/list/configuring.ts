import type { Mutant } from '../mutant.ts'

const PARSE_FILE = 'services/sidecar/src/config/parse-file.test.ts'

/** What a configuration may say, and what becomes of one that is bad. */
export const configuring: readonly Mutant[] = [
  {
    name: 'an unknown alias is an exception',
    file: 'services/sidecar/src/config/parse-yaml.ts',
    find: 'if (target === undefined) add(',
    replace: 'if (node.source === undefined) add(',
    killers: [PARSE_FILE],
  },
  {
    name: 'what the YAML library only warns of passes',
    file: 'services/sidecar/src/config/parse-yaml.ts',
    find: '[...document.errors, ...document.warnings]',
    replace: '[...document.errors]',
    killers: [PARSE_FILE],
  },
  {
    name: 'a configuration file may have any size',
    file: 'services/sidecar/src/config/read-text.ts',
    find: 'export const MAX_FILE_BYTES = 1_024 * 1_024',
    replace: 'export const MAX_FILE_BYTES = 1_024 * 1_024 * 1_024',
    killers: ['services/sidecar/src/config/config.test.ts'],
  },
  {
    name: 'a list passes for settings',
    file: 'services/sidecar/src/config/schema-parts.ts',
    find: '!Array.isArray(value)',
    replace: 'Array.isArray(value) || true',
    killers: [PARSE_FILE],
  },
  {
    name: 'a list of one duration passes for it',
    file: 'services/sidecar/src/config/schema-parts.ts',
    find: "if (typeof value !== 'string' || row.unit === 'count') return undefined\n  return row.unit === 'ms' ? parseDuration(value) : parseSize(value)",
    replace:
      "if (row.unit === 'count') return undefined\n  return row.unit === 'ms' ? parseDuration(String(value)) : parseSize(String(value))",
    killers: [PARSE_FILE],
  },
  {
    name: 'CONNECT may be allowed',
    file: 'services/sidecar/src/config/route-schema.ts',
    find: "methods.includes('CONNECT')",
    replace: "methods.includes('connect')",
    killers: [PARSE_FILE],
  },
  {
    name: 'a link-local address needs no scope',
    file: 'shared/src/endpoint/endpoint.ts',
    find: 'if (isLinkLocal && !isScoped)',
    replace: 'if (isLinkLocal && isScoped && !isLinkLocal)',
    killers: ['shared/src/endpoint/parse-endpoint.test.ts'],
  },
  {
    name: 'a defect in a reload ends the process',
    file: 'services/sidecar/src/sidecar/reload-on-hangup.ts',
    find: 'const [fields, text] = refusal(error)',
    replace: 'if (!(error instanceof Failure)) throw error\n    const [fields, text] = refusal(error)',
    killers: ['services/sidecar/src/main.test.ts'],
  },
]
