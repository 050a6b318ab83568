import type { RouteView } from '../sidecar/route-view.ts'

/** Asks every upstream whether it answers; resolves within the longest connect timeout. */
export async function probeAll(routes: readonly RouteView[]): Promise<void> {
  await Promise.all(routes.map(({ upstream }) => upstream.probe()))
}
