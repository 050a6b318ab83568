import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { parse } from 'yaml'
import type { RunDirectory } from './run-directory.ts'

const ROOT = join(import.meta.dirname, '../..')

/** The settings that the demo changes; it copies the others. */
const schema = v.object({
  routes: v.array(
    v.looseObject({
      tls: v.optional(v.unknown()),
      upstreamTls: v.optional(v.unknown()),
      allow: v.optional(v.array(v.string())),
    }),
  ),
})

/**
 * Writes the configuration of the compose stack, changed to free loopback ports and the demo's sockets. The demo has no
 * certificates: without TLS nobody is told apart, so its rules are for everybody, and there is no partner.
 * @returns its path
 */
export async function writeSidecarConfig(directory: RunDirectory): Promise<string> {
  const text = await readFile(join(ROOT, 'config/sidecar.yaml'), 'utf8')
  const path = join(directory.path, 'sidecar.yaml')
  const ours = text
    .replace(/tcp:\/\/0\.0\.0\.0:\d+/g, 'tcp://127.0.0.1:0')
    .replaceAll('/run/app', directory.path)
  const routes = v
    .parse(schema, parse(ours, { merge: true }))
    .routes.filter(({ upstreamTls }) => upstreamTls === undefined)
    .map(({ tls, allow, ...route }) => ({
      ...route,
      ...(allow === undefined ? {} : { allow: allow.map((rule) => rule.replace(/ for .*/, '')) }),
    }))
  await writeFile(path, JSON.stringify({ ops: 'tcp://127.0.0.1:0', routes })) // JSON is YAML
  return path
}
