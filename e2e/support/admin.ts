import type { Insider } from './insider.ts'

/** Asks the app's admin socket, which only its own user may do: from within its container. */
export async function askAdmin(app: Insider, method: 'POST' | 'PUT', path: string): Promise<void> {
  const status = await app.inside(
    async (method, path) => {
      const { request } = await import('@uds-sidecar/shared/http/request')
      const { status } = await request({ kind: 'unix', path: '/run/app/api/admin.sock' }, { method, path })
      return status
    },
    method,
    path,
  )
  if (status !== 204) throw new Error(`${method} ${path} on the admin socket: ${status}`)
}
