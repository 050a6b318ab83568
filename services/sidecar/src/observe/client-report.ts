import type { Client } from '../config/clients-schema.ts'
import type { CredentialStatus } from '../identity/credentials.ts'

/** Clients as `/routes` shows them, in JSON: how each is known, and the state of its file; never a secret. */
export function clientReports(clients: readonly Client[], credentials: readonly CredentialStatus[]) {
  return clients.map((client) => {
    const status = credentials.find((each) => each.client === client.name)
    return { ...client, ...(status === undefined ? {} : fileReport(status)) }
  })
}

function fileReport({ since, lastFailure }: CredentialStatus) {
  return {
    since: since.toISOString(),
    lastError: lastFailure && { code: lastFailure.code, detail: lastFailure.message, hint: lastFailure.hint },
  }
}
