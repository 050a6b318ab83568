import { chmod, copyFile } from 'node:fs/promises'
import { Authority } from '@uds-sidecar/shared/testing/authority'
import type { TempDirectory } from '@uds-sidecar/shared/testing/files'
import { runDirectory } from './run.ts'

/** A directory with `authority.crt`, and `tls.crt` and `tls.key` for these names, which every user may read. */
export async function certificatesFor(...names: string[]): Promise<TempDirectory> {
  const directory = await runDirectory()
  await using authority = await Authority.create()
  const { certFile, keyFile } = await authority.issue({ names: names.map((name) => `DNS:${name}`).join() })
  const copies = [
    [authority.certFile, 'authority.crt'],
    [certFile, 'tls.crt'],
    [keyFile, 'tls.key'],
  ] as const
  await chmod(directory.path, 0o755)
  for (const [from, name] of copies) {
    await copyFile(from, directory.at(name))
    await chmod(directory.at(name), 0o644)
  }
  return directory
}
