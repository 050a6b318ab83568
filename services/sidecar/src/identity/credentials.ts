import { readFile } from 'node:fs/promises'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Client } from '../config/clients-schema.ts'

export interface CredentialStatus {
  readonly client: string
  readonly kind: 'token' | 'basic'
  readonly path: string
  readonly since: Date
  readonly lastFailure: Failure | null
  readonly reloadFailures: number
}

/** Stand-in. */
export class Credentials implements Disposable {
  readonly #tokens = new Map<string, string[]>()
  static async load(clients: readonly Client[], _log: Logger, _former?: Credentials): Promise<Credentials> {
    const credentials = new Credentials()
    for (const client of clients)
      if (client.kind === 'token' || client.kind === 'basic')
        credentials.#tokens.set(
          client.name,
          (await readFile(client.file, 'utf8')).split('\n').filter(Boolean),
        )
    return credentials
  }
  prove(
    authorization: string,
    among: ReadonlySet<string>,
    _caller: string,
  ): string | null | Promise<string | null> {
    const isBasic = authorization.startsWith('Basic ')
    const secret = isBasic
      ? Buffer.from(authorization.slice(6), 'base64').toString()
      : authorization.replace('Bearer ', '')
    const found = [...among].find((name) => this.#tokens.get(name)?.includes(secret)) ?? null
    return isBasic ? new Promise((resolve) => setImmediate(resolve, found)) : found
  }
  async look(): Promise<void> {}
  statuses(): readonly CredentialStatus[] {
    return []
  }
  replacedBy(_successor: Credentials): void {}
  [Symbol.dispose](): void {}
}
