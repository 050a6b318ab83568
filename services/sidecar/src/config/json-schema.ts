import type * as v from 'valibot'
import { fileSchema } from './file-schema.ts'

type Json = Record<string, unknown>
type Schema = v.GenericSchema & Record<string, unknown>

/** The JSON Schema (draft 2020-12) of the configuration file, derived from the schema that validates it. */
export function jsonSchema(): Json {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'uds-sidecar configuration',
    ...schemaOf(fileSchema as unknown as Schema),
  }
}

/** Walks the structure of `schema`, and copies `v.metadata({ json })` where a value has it. */
function schemaOf(schema: Schema): Json {
  const given = metadataOf(schema)
  if (given !== undefined) return given
  switch (schema.type) {
    case 'optional':
      return { ...schemaOf(schema.wrapped as Schema), ...defaultOf(schema) }
    case 'nullable':
      return { anyOf: [schemaOf(schema.wrapped as Schema), { type: 'null' }] }
    case 'lazy': // text, or settings
      return {
        anyOf: ['', {}].map((input) => schemaOf((schema.getter as (input: unknown) => Schema)(input))),
      }
    case 'unknown': {
      // made by `mapping`, perhaps with a transformation after it
      const pipe = schema.pipe as Schema[]
      return schemaOf(pipe.find(({ type }) => type === 'strict_object') ?? (pipe[0] as Schema))
    }
    case 'strict_object':
      return objectOf(schema.entries as Record<string, Schema>)
    case 'array':
      return { type: 'array', items: schemaOf(schema.item as Schema) }
    case 'variant':
      return { oneOf: (schema.options as Schema[]).map(schemaOf) }
    case 'literal':
      return { const: schema.literal }
    case 'boolean':
      return { type: 'boolean' }
    default:
      throw new TypeError(
        `the file schema contains ${schema.type} without v.metadata({ json }), so it has no JSON Schema`,
      )
  }
}

function objectOf(entries: Record<string, Schema>): Json {
  const names = Object.keys(entries)
  return {
    type: 'object',
    additionalProperties: false,
    required: names.filter((name) => !isOptional(entries[name] as Schema)),
    properties: Object.fromEntries(names.map((name) => [name, schemaOf(entries[name] as Schema)])),
  }
}

function isOptional(schema: Schema): boolean {
  const pipe = schema.pipe as Schema[] | undefined
  return schema.type === 'optional' || (pipe?.[0] !== undefined && pipe[0] !== schema && isOptional(pipe[0]))
}

function defaultOf(schema: Schema): Json {
  if (schema.default === undefined) return {}
  const isStructure = typeof schema.default === 'object' && !Array.isArray(schema.default)
  return isStructure ? {} : { default: schema.default }
}

function metadataOf(schema: Schema): Json | undefined {
  const pipe = (schema.pipe ?? []) as { type?: string; metadata?: { json?: Json } }[]
  return pipe.find(({ type }) => type === 'metadata')?.metadata?.json
}
