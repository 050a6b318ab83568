import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import type { ClientConfig } from '../config.ts'
import { dialogue } from '../echo/dialogue.ts'
import { expectOk } from '../http/expect-ok.ts'

/** One way into the stack, and how to find out whether it answers. */
export interface Target {
  readonly name: string
  readonly endpoint: Endpoint
  /** @throws Failure or CliError with the code that says why it does not answer */
  probe(timeoutMs: number): Promise<void>
}

export function targetsOf(config: ClientConfig): Target[] {
  return [
    httpTarget('api', config.api, '/-/healthy'),
    echoTarget('echo', config.echo),
    httpTarget('metrics', config.metrics, '/metrics'),
    httpTarget('api over TCP', config.tcpApi, '/-/healthy'),
    echoTarget('echo over TCP', config.tcpEcho),
    httpTarget('metrics over TCP', config.tcpMetrics, '/metrics'),
    httpTarget('sidecar', config.ops, '/-/ready'),
  ]
}

function httpTarget(name: string, endpoint: Endpoint, path: string): Target {
  const probe = async (timeoutMs: number) => {
    expectOk(endpoint, path, await request(endpoint, { path, timeoutMs }))
  }
  return { name, endpoint, probe }
}

function echoTarget(name: string, endpoint: Endpoint): Target {
  const probe = async (timeoutMs: number) => {
    await dialogue(endpoint, ['watch'], timeoutMs)
  }
  return { name, endpoint, probe }
}
