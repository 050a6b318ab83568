import { accessLog } from './list/access-log.ts'
import { app } from './list/app.ts'
import { binding } from './list/binding.ts'
import { capacity } from './list/capacity.ts'
import { client } from './list/client.ts'
import { clientCertificates } from './list/client-certificates.ts'
import { clientTls } from './list/client-tls.ts'
import { configuring } from './list/configuring.ts'
import { dialling } from './list/dialling.ts'
import { dockerRecipes } from './list/docker-recipes.ts'
import { egress } from './list/egress.ts'
import { ending } from './list/ending.ts'
import { grpc } from './list/grpc.ts'
import { identities } from './list/identities.ts'
import { onTheWire } from './list/on-the-wire.ts'
import { page } from './list/page.ts'
import { places } from './list/places.ts'
import { readiness } from './list/readiness.ts'
import { relaying } from './list/relaying.ts'
import { rules } from './list/rules.ts'
import { secrets } from './list/secrets.ts'
import { stack } from './list/stack.ts'
import { tls } from './list/tls.ts'
import { tlsHardening } from './list/tls-hardening.ts'
import { trustedProxies } from './list/trusted-proxies.ts'
import { unixSockets } from './list/unix-sockets.ts'
import { upgrade } from './list/upgrade.ts'
import { wayOut } from './list/way-out.ts'
import type { Mutant } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  ...binding,
  ...ending,
  ...configuring,
  ...dialling,
  ...relaying,
  ...rules,
  ...dockerRecipes,
  ...unixSockets,
  ...onTheWire,
  ...app,
  ...stack,
  ...places,
  ...capacity,
  ...client,
  ...clientTls,
  ...tls,
  ...identities,
  ...secrets,
  ...clientCertificates,
  ...tlsHardening,
  ...egress,
  ...wayOut,
  ...page,
  ...upgrade,
  ...readiness,
  ...grpc,
  ...accessLog,
  ...trustedProxies,
]
