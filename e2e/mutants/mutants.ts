import { app } from './list/app.ts'
import { binding } from './list/binding.ts'
import { client } from './list/client.ts'
import { configuring } from './list/configuring.ts'
import { dialling } from './list/dialling.ts'
import { ending } from './list/ending.ts'
import { onTheWire } from './list/on-the-wire.ts'
import { relaying } from './list/relaying.ts'
import { stack } from './list/stack.ts'
import { tls } from './list/tls.ts'
import { unixSockets } from './list/unix-sockets.ts'
import { wayOut } from './list/way-out.ts'
import type { Mutant } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  ...binding,
  ...ending,
  ...configuring,
  ...dialling,
  ...relaying,
  ...unixSockets,
  ...onTheWire,
  ...app,
  ...stack,
  ...client,
  ...tls,
  ...wayOut,
]
