import { parseEndpoint } from './endpoint/endpoint.ts'
import { Failure } from './failure/failure.ts'
import { EXIT } from './failure/failures.ts'
import { request } from './http/request.ts'
import { runMain } from './lifecycle/run-main.ts'

/** `node healthcheck.ts ENDPOINT PATH` exits 0 if a GET gets a 2xx within 2 s, else 69. It needs no shell and no curl. */
const USAGE = 'usage: healthcheck ENDPOINT PATH, such as unix:/run/app/api/api.sock /-/healthy\n'

async function main(): Promise<void> {
  const [endpoint, path, ...rest] = process.argv.slice(2)
  if (endpoint === '--version') return
  if (endpoint === undefined || path === undefined || rest.length > 0) {
    process.stderr.write(USAGE)
    process.exitCode = EXIT.usage
    return
  }
  const { status, body } = await request(parseEndpoint(endpoint), { path, timeoutMs: 2_000 })
  if (status >= 200 && status < 300) return
  throw new Failure('unhealthy', {
    message: `${endpoint} ${path} responded with ${status}: ${body}`,
    hint: 'see the log of the server',
  })
}

if (import.meta.main) await runMain('healthcheck', main)
