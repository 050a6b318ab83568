import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from './manifests.ts'

const ROOT = join(import.meta.dirname, '../../..')
/** Below node_modules, so that the packages with the types are found from there. */
const CACHE = join(ROOT, 'node_modules/.cache')

/**
 * Checks each object against the types of its kind with tsc, which reports fields that the kind does not have, values of
 * another type, and missing fields. The validators of the same packages take unknown fields.
 * @returns what is wrong, a line for each; empty if nothing is
 */
export function typeErrors(manifests: readonly Manifest[]): string[] {
  mkdirSync(CACHE, { recursive: true })
  const directory = mkdtempSync(join(CACHE, 'manifests-'))
  try {
    const files = manifests.map((manifest, place) => {
      const file = `${place}-${manifest.kind}-${manifest.metadata.name}.ts`
      writeFileSync(join(directory, file), moduleOf(manifest))
      return file
    })
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--types', '', '--module', 'nodenext']
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [tsc, '--ignoreConfig', ...options, '--target', 'es2024', ...files],
      { cwd: directory, encoding: 'utf8' },
    )
    if (status === 0) return []
    return `${stdout}${stderr}`.trim().split('\n')
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** An object literal, which TypeScript allows no field that its type does not have. */
function moduleOf(manifest: Manifest): string {
  const { apiVersion, kind } = manifest
  const types = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models'
  return `import type { I${kind} } from '${types}/${apiVersion}'
export const manifest: I${kind} = ${JSON.stringify(manifest, null, 2)}
`
}
