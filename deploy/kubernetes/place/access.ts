/**
 * What the user of a container may do: `node access.ts SOCKET...` prints it as JSON. It runs inside the container, so it
 * imports nothing but Node.
 */
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** @param emitter its event says that it worked */
function outcome(emitter: Socket | Server, event: 'connect' | 'listening'): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  emitter.once(event, () => resolve('yes')).once('error', (error) => resolve(errnoOf(error)))
  return promise
}

function mayWrite(directory: string): string {
  const path = `${directory}/intruder`
  try {
    writeFileSync(path, '')
    unlinkSync(path)
    return 'yes'
  } catch (error) {
    return errnoOf(error)
  }
}

const sockets: Record<string, string> = {}
const directories: Record<string, string> = {}
for (const path of process.argv.slice(2)) {
  sockets[path] = await outcome(connect(path), 'connect')
  directories[dirname(path)] = mayWrite(dirname(path))
}
const status = readFileSync('/proc/self/status', 'utf8')
const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]
const report = {
  user: `${process.getuid?.()}:${process.getgid?.()} ${process.getgroups?.()}`,
  sockets,
  directories,
  tcpListen: await outcome(createServer().listen(0, '0.0.0.0'), 'listening'),
  tcpConnect: await outcome(connect(9901, '127.0.0.1'), 'connect'),
  rootDirectory: mayWrite('/'),
  capabilities: [field('CapEff'), field('CapBnd')],
  noNewPrivileges: field('NoNewPrivs'),
  seccomp: field('Seccomp'),
}
process.stdout.write(JSON.stringify(report))
process.exit()
