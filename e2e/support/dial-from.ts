import type { Insider } from './insider.ts'

/** Dials from within a container. @returns `connected`, or the failure as `code (errno)` */
export function dialFrom(container: Insider, endpoint: string): Promise<string> {
  return container.inside(async (text) => {
    const { parseEndpoint } = await import('@uds-sidecar/shared/endpoint/endpoint')
    const { dial } = await import('@uds-sidecar/shared/dial/dial')
    const { Failure } = await import('@uds-sidecar/shared/failure/failure')
    try {
      const socket = await dial(parseEndpoint(text))
      socket.destroy()
      return 'connected'
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return `${error.code} (${error.errno})`
    }
  }, endpoint)
}
