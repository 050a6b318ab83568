import { endpointText } from '@uds-sidecar/shared/config/env-types'
import * as v from 'valibot'
import type { AllowRule } from '../http/allow/allow-list.ts'
import { ALLOW_GRAMMAR, parseAllowRule } from '../http/allow/parse-allow-rule.ts'
import { boundSchema, boundsSchema } from './bound-schema.ts'
import { DRAIN, HTTP_LIMITS, HTTP_TIMEOUTS, STREAM_LIMITS, STREAM_TIMEOUTS } from './bounds.ts'
import { settings } from './settings.ts'

const NAME = 'may be lower-case letters, digits and -, at most 63, beginning with a letter'

const ALLOW = 'may be a list of methods and paths, such as [GET /metrics]'

const allowRule = v.rawTransform<unknown, AllowRule>(({ dataset, addIssue, NEVER }) => {
  const rule = typeof dataset.value === 'string' ? parseAllowRule(dataset.value) : undefined
  if (rule !== undefined) return rule
  addIssue({ message: ALLOW_GRAMMAR })
  return NEVER
})

const common = {
  name: v.pipe(v.string(NAME), v.regex(/^[a-z][a-z0-9-]{0,62}$/, NAME)),
  listen: endpointText,
  upstream: endpointText,
}

const streamRoute = settings({
  ...common,
  kind: v.literal('stream'),
  timeouts: boundsSchema(STREAM_TIMEOUTS),
  limits: boundsSchema(STREAM_LIMITS),
})

const httpRoute = settings({
  ...common,
  kind: v.literal('http'),
  allow: v.optional(v.pipe(v.array(v.pipe(v.unknown(), allowRule), ALLOW), v.minLength(1, ALLOW)), [
    'GET /metrics',
  ]),
  coalesce: v.optional(v.boolean('may be true or false'), false),
  timeouts: boundsSchema(HTTP_TIMEOUTS),
  limits: boundsSchema(HTTP_LIMITS),
})

const routes = v.array(
  v.variant('kind', [httpRoute, streamRoute], 'may be a route with kind: http or kind: stream'),
  'may be a list of routes',
)

/** The configuration file. */
export const fileSchema = settings({
  ops: v.optional(v.nullable(endpointText), null),
  drain: boundSchema(DRAIN),
  routes: v.pipe(routes, v.minLength(1, 'must have at least one route')),
})

export type ConfigFile = v.InferOutput<typeof fileSchema>
