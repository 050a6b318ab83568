import type { Insider } from './insider.ts'

/**
 * GETs over any endpoint from within a container, within a minute.
 * @returns `status body`, or the failure as `code (errno)`
 */
export function getFrom(container: Insider, endpoint: string, path: string): Promise<string> {
  return container.inside(
    async (text, path) => {
      const { parseEndpoint } = await import('@uds-sidecar/shared/endpoint/endpoint')
      const { Failure } = await import('@uds-sidecar/shared/failure/failure')
      const { request } = await import('@uds-sidecar/shared/http/request')
      try {
        const { status, body } = await request(parseEndpoint(text), { path, timeoutMs: 60_000 })
        return `${status} ${body}`
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        return `${error.code} (${error.errno})`
      }
    },
    endpoint,
    path,
  )
}
