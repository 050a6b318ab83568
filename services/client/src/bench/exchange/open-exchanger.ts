import { DEFAULT_SIZE_BYTES, type Settings } from '../settings.ts'
import type { Ground, Target } from '../target.ts'
import { openEcho } from './echo-connection.ts'
import type { Exchanger } from './exchanger.ts'
import { HttpConnection } from './http-connection.ts'
import { within } from './within.ts'

const FIRST_ANSWER_MS = 5_000

/** @throws Failure as `dial` does, and as the first exchange does: an exchanger that is returned has worked once */
export async function openExchanger(target: Target, settings: Settings, ground: Ground): Promise<Exchanger> {
  const { protocol, sizeBytes } = settings
  const exchanger =
    protocol === 'http'
      ? new HttpConnection(target.endpoint, ground.httpPath(sizeBytes))
      : await openEcho(target.endpoint, sizeBytes ?? DEFAULT_SIZE_BYTES, ground.echoOverheadBytes)
  await within(FIRST_ANSWER_MS, target, [exchanger], exchanger.exchange())
  return exchanger
}
