import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunDirectory } from './run-directory.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Writes the configuration of the compose stack, changed to free loopback ports and the demo's sockets. @returns its path */
export async function writeSidecarConfig(directory: RunDirectory): Promise<string> {
  const text = await readFile(join(ROOT, 'config/sidecar.yaml'), 'utf8')
  const path = join(directory.path, 'sidecar.yaml')
  await writeFile(
    path,
    text.replace(/tcp:\/\/0\.0\.0\.0:\d+/g, 'tcp://127.0.0.1:0').replaceAll('/run/app', directory.path),
  )
  return path
}
