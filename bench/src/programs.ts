import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

type Service = 'app' | 'sidecar' | 'client'

/** What a service's image starts: its bundle. */
export function mainOf(service: Service): string {
  return fileURLToPath(new URL(`../../bundle/${service}/main.mjs`, import.meta.url))
}

/** The same program as its sources, which is what a checkout starts. */
export function sourceOf(service: Service): string {
  return fileURLToPath(new URL(`../../services/${service}/src/main.ts`, import.meta.url))
}

/** Where an app serves when all of its sockets lie in one directory; Redis is not there, which leaves the rest as it is. */
export function appEnv(directory: string): NodeJS.ProcessEnv {
  return {
    APP_METRICS: `unix:${join(directory, 'metrics.sock')}`,
    APP_API: `unix:${join(directory, 'api.sock')}`,
    APP_ECHO: `unix:${join(directory, 'echo.sock')}`,
    APP_ADMIN: `unix:${join(directory, 'admin.sock')}`,
    APP_REDIS: `unix:${join(directory, 'redis.sock')}`,
    LOG_LEVEL: 'fatal',
  }
}
