import * as v from 'valibot'
import { Failure } from '../failure/failure.ts'
import { visible } from '../text/visible.ts'

type Entries = v.ObjectEntries

/**
 * Reads the environment variables that `entries` names. An empty variable counts as not set, because Compose passes an
 * unset variable as an empty one.
 * @param prefix a variable that begins with it and is not in `entries` is a mistake
 * @param entries a schema for each variable, such as those of `env-types.ts`; `v.optional` gives it a default
 * @returns the values, frozen
 * @throws Failure `bad_config` that lists all mistakes: each name, the value that it had, and the values that are allowed
 * @example
 * const { APP_LIMIT } = readEnv(process.env, 'APP_', { APP_LIMIT: v.optional(integerText(1, 100), '10') })
 */
export function readEnv<const T extends Entries>(
  env: NodeJS.ProcessEnv,
  prefix: string,
  entries: T,
): Readonly<v.InferOutput<v.ObjectSchema<T, undefined>>> {
  const present = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  )
  const result = v.safeParse(v.object(entries), present)
  const mistakes = [...unknownNames(present, prefix, entries), ...(result.issues ?? []).map(describe)]
  if (!result.success || mistakes.length > 0) throw badConfig(mistakes)
  return Object.freeze(result.output)
}

function unknownNames(env: NodeJS.ProcessEnv, prefix: string, entries: Entries): string[] {
  const known = Object.keys(entries)
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.includes(name))
    .map(
      (name) =>
        `${visible(name)} is not a setting; known are ${known.filter((k) => k.startsWith(prefix)).join(', ')}`,
    )
}

function describe(issue: v.BaseIssue<unknown>): string {
  const name = v.getDotPath(issue) ?? 'environment'
  const { input } = issue.path?.[0] === undefined ? issue : { input: issue.path[0].value }
  if (input === undefined) return `${name} is not set and is required`
  return visible(`${name} is ${JSON.stringify(input)}: ${issue.message}`)
}

function badConfig(mistakes: string[]): Failure {
  return new Failure('bad_config', {
    message: mistakes.join('\n  '),
    hint: 'correct each of these variables and start again',
  })
}
