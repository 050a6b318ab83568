import type { Settings } from '../settings.ts'
import { accessLog } from './access-log.ts'
import { exposition } from './exposition.ts'
import { idle } from './idle.ts'
import { idleTunnels } from './idle-tunnels.ts'
import { largeBody } from './large-body.ts'
import { longStreams } from './long-streams.ts'
import { proxies } from './proxies.ts'
import { ENGINE_RESTART, restart } from './restart.ts'
import { routes } from './routes.ts'
import { slowClients } from './slow-clients.ts'
import { socketOrTcp } from './socket-or-tcp.ts'
import { startUp } from './start-up.ts'
import { tls } from './tls.ts'
import { wayOut } from './way-out.ts'

/** Name of the result file → how it is measured. */
export const SUITES: Readonly<Record<string, (settings: Settings) => Promise<unknown>>> = {
  proxies,
  'start-up': startUp,
  'socket-or-tcp': socketOrTcp,
  idle,
  'slow-clients': slowClients,
  'large-body': largeBody,
  'long-streams': longStreams,
  routes,
  exposition,
  restart,
  tls,
  'access-log': accessLog,
  'way-out': wayOut,
  'idle-tunnels': idleTunnels,
}

export const SUITE_NAMES: readonly string[] = [...Object.keys(SUITES), ENGINE_RESTART]
