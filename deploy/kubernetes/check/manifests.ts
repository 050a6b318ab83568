import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { parseAllDocuments } from 'yaml'

export const KUBERNETES = join(import.meta.dirname, '..')

/** One object of a manifest, its fields unchecked but for those that say what it is. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

const manifest = v.looseObject({
  apiVersion: v.string(),
  kind: v.string(),
  metadata: v.looseObject({ name: v.string() }),
})

/**
 * The objects of YAML documents.
 * @param source names the text in messages
 * @throws Error for YAML that cannot be read, and for an object that does not say what it is
 */
export function parseManifests(text: string, source: string): Manifest[] {
  return parseAllDocuments(text, { merge: true }).flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw new Error(`${source}: ${error.message}`)
    const object: unknown = document.toJS()
    if (object === null) return []
    const { success, output, issues } = v.safeParse(manifest, object)
    if (!success)
      throw new Error(`${source}: ${issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`)}`)
    return [output]
  })
}

/** The objects that the files of deploy/kubernetes hold as they are, before Kustomize joins them. */
export function writtenManifests(): Manifest[] {
  const files = globSync('{base,overlays/*}/*.yaml', { cwd: KUBERNETES })
  return files
    .filter((file) => !/(kustomization|tls)\.yaml$/.test(file)) // the other is a list of operations
    .flatMap((file) => parseManifests(readFileSync(join(KUBERNETES, file), 'utf8'), file))
}

/** The one object of a kind. @throws Error where there is none, or more than one */
export function only(manifests: readonly Manifest[], kind: string): Manifest {
  const [found, another] = manifests.filter((manifest) => manifest.kind === kind)
  if (found === undefined || another !== undefined) throw new Error(`there must be exactly one ${kind}`)
  return found
}
