import type { LookupAddress } from 'node:dns'
import { open } from 'node:fs/promises'
import { isIP } from 'node:net'

/** Lines after so many bytes are not read. */
const MOST_BYTES = 1_048_576

/**
 * The addresses of `name` in a file in the format of hosts(5), in its order; none when the file cannot be read, as for
 * the C library.
 * @param name in lower case; names in the file are compared in any case
 */
export async function addressesInHosts(path: string, name: string): Promise<LookupAddress[]> {
  const text = await textOf(path)
  if (!text.toLowerCase().includes(name)) return []
  return text.split('\n').flatMap((line) => addressIn(line, name))
}

function addressIn(line: string, name: string): LookupAddress[] {
  const [entry = ''] = line.split('#', 1)
  const [address = '', ...names] = entry.trim().split(/\s+/)
  const family = isIP(address)
  if (family === 0 || !names.some((each) => each.toLowerCase() === name)) return []
  return [{ address, family }]
}

async function textOf(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r')
    const buffer = Buffer.allocUnsafe(Math.min((await file.stat()).size, MOST_BYTES))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } catch {
    return '' // there is no such file, or it is not ours to read
  }
}
