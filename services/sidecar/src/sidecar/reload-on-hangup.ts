import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Config } from '../config/config.ts'
import type { Sidecar } from './sidecar.ts'

/**
 * At each SIGHUP reads the configuration again; a bad one is refused whole and the one in force stays, whatever is the
 * matter with it. Signals that come while one is being read are one more, those that come while it starts are one.
 * @returns to be called with the sidecar as soon as it has started.
 */
export function reloadOnHangup(load: () => Config, log: Logger): (sidecar: Sidecar) => void {
  let running: Sidecar | undefined
  let isReloading = false
  let isAsked = false
  const reloadAll = async (sidecar: Sidecar) => {
    isReloading = true
    while (isAsked) {
      isAsked = false
      await reload(sidecar, load, log)
    }
    isReloading = false
  }
  process.on('SIGHUP', () => {
    isAsked = true
    if (running !== undefined && !isReloading) reloadAll(running)
  })
  return (sidecar) => {
    running = sidecar
    if (isAsked) reloadAll(sidecar)
  }
}

async function reload(sidecar: Sidecar, load: () => Config, log: Logger): Promise<void> {
  try {
    await sidecar.apply(load())
    log.info(sidecar.addresses, 'the new configuration is in force')
  } catch (error) {
    log.error(...refusal(error))
  }
}

function refusal(error: unknown): [fields: object, text: string] {
  const text = 'the new configuration is refused, the old one stays in force'
  if (error instanceof Failure) return [{ code: error.code, hint: error.hint }, `${text}: ${error.message}`]
  return [{ code: 'internal_error', err: error }, `${text}: a defect of this program`]
}
