import type { Candidate } from './candidate.ts'
import { haproxy, haproxyTcp } from './haproxy.ts'
import { nginx } from './nginx.ts'
import { httpProxy, nodeHttp, undici } from './node-proxies.ts'
import { sidecar, sidecarStream } from './sidecar.ts'
import { socat } from './socat.ts'

/** No proxy: what the load generator and the upstream can do by themselves, over loopback TCP. */
export const direct: Candidate = {
  name: 'direct',
  note: 'no proxy: the upstream itself, over loopback TCP',
  layer: 'none',
  program: null,
}

export const CANDIDATES: readonly Candidate[] = [
  sidecar,
  nginx,
  haproxy,
  undici,
  nodeHttp,
  httpProxy,
  sidecarStream,
  haproxyTcp,
  socat,
  direct,
]
