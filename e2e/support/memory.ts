import type { TestContext } from 'node:test'
import { startProbe } from './own-container.ts'

/**
 * Which of these bytes, in hexadecimal, are in the memory of a container's processes: all that a core dump of them would
 * have. A container beside it with the right to trace reads `/proc/PID/mem`.
 */
export async function foundInMemory(
  t: TestContext,
  container: string,
  needles: Readonly<Record<string, string>>,
): Promise<string[]> {
  await using reader = await startProbe(t, {
    user: '0:0',
    capabilities: ['SYS_PTRACE', 'DAC_READ_SEARCH'],
    processesOf: container,
  })
  return await reader.inside(async (needles) => {
    const { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } = await import('node:fs')
    const wanted = Object.entries(needles).map(([name, hex]) => ({ name, bytes: Buffer.from(hex, 'hex') }))
    const overlap = Math.max(...wanted.map(({ bytes }) => bytes.length)) - 1
    const buffer = Buffer.allocUnsafe(4 * 1024 * 1024)
    const found = new Set<string>()
    let read = 0
    const search = (file: number, start: number, end: number) => {
      for (let at = start; at < end; at += buffer.length - overlap) {
        let count = 0
        try {
          count = readSync(file, buffer, 0, Math.min(buffer.length, end - at), at)
        } catch {
          return // no memory behind it, such as [vvar]
        }
        read += count
        const bytes = buffer.subarray(0, count)
        for (const { name, bytes: needle } of wanted) if (bytes.includes(needle)) found.add(name)
      }
    }
    // The reader's own process has what is sought in its memory. Its user has no process in the other container.
    const userOf = (pid: string) => /^Uid:.*/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[0]
    const own = userOf('self')
    const searchProcess = (pid: string) => {
      if (userOf(pid) === own) return
      const maps = readFileSync(`/proc/${pid}/maps`, 'latin1')
      const file = openSync(`/proc/${pid}/mem`, 'r')
      for (const [, from = '', to = ''] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r/gm))
        search(file, Number.parseInt(from, 16), Number.parseInt(to, 16))
      closeSync(file)
    }
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        searchProcess(pid)
      } catch (error) {
        if (existsSync(`/proc/${pid}`)) throw error // else a health check that has ended
      }
    }
    if (read === 0) throw new Error('nothing could be read')
    return [...found].sort()
  }, needles)
}

/**
 * A secret in every form in which a program may keep it, each in hexadecimal: as bytes and as UTF-16, as Base64 wherever
 * it stands in a longer text, and as hexadecimal text.
 */
export function formsOf(secret: string): Record<string, string> {
  const forms: Record<string, string> = {}
  const add = (name: string, text: string) => {
    forms[name] = Buffer.from(text, 'latin1').toString('hex')
    forms[`${name}, UTF-16`] = Buffer.from(text, 'utf16le').toString('hex')
  }
  add('plain', secret)
  add('hexadecimal', Buffer.from(secret).toString('hex'))
  for (const shift of [0, 1, 2])
    for (const alphabet of ['base64', 'base64url'] as const) {
      // The digits at both ends depend on what stands beside the secret.
      const text = Buffer.from(`${'.'.repeat(shift)}${secret}`)
        .toString(alphabet)
        .replace(/=+$/, '')
      add(`${alphabet} at ${shift}`, text.slice(shift === 0 ? 0 : 4, -2))
    }
  return forms
}
