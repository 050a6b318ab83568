import type { Stack } from './stack.ts'

/** What a test reads of a route in `/routes` on the operations port. */
export interface Route {
  readonly name: string
  readonly state: 'up' | 'down' | 'unknown'
  readonly generation: number
  readonly connections: number
  readonly socket: { kind: string; mode: string; uid: number; gid: number } | null
  readonly lastError: { code: string; errno: string | null; detail: string; hint: string } | null
}

/** Every route of the stack's sidecar by its name, each upstream probed just now. */
export async function routesOf(stack: Stack): Promise<Record<string, Route>> {
  const { body } = await stack.request('ops', '/routes')
  const { routes }: { routes: Route[] } = JSON.parse(body.toString())
  return Object.fromEntries(routes.map((route) => [route.name, route]))
}
