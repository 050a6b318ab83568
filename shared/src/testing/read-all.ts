import { text } from 'node:stream/consumers'
import { dial } from '../dial/dial.ts'
import type { Endpoint } from '../endpoint/endpoint.ts'

/** Everything that a server at `endpoint` says until it ends the connection. */
export async function readAll(endpoint: Endpoint): Promise<string> {
  return text(await dial(endpoint))
}
