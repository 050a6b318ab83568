import type { Agent } from 'node:http'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { EndpointAgent } from '@uds-sidecar/shared/http/endpoint-agent'
import { http } from '@uds-sidecar/shared/http/node-http'
import type { Exchanger } from './exchanger.ts'

/** GETs one path over one kept connection, and drops the bodies. */
export class HttpConnection implements Exchanger {
  readonly #agent: Agent
  readonly #path: string

  constructor(endpoint: Endpoint, path: string) {
    this.#agent = new EndpointAgent(endpoint, {}, { keepAlive: true, maxSockets: 1 })
    this.#path = path
  }

  exchange(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    http
      .request({ agent: this.#agent, path: this.#path, host: 'localhost' }, (response) => {
        if (response.statusCode !== 200) reject(unexpected(this.#path, response.statusCode))
        response.on('end', resolve).on('error', reject).resume()
      })
      .on('error', reject)
      .end()
    return promise
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

function unexpected(path: string, status: number | undefined): Failure {
  return new Failure('upstream_malformed', {
    message: `GET ${path} answered ${status} instead of 200`,
    hint: 'is this the endpoint that you meant?',
  })
}
