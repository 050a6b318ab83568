import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Config } from '../config/config.ts'
import type { Sidecar } from './sidecar.ts'

/** At each SIGHUP reads the configuration again; a bad one is refused whole and the one in force stays. */
export function reloadOnHangup(sidecar: Sidecar, load: () => Config, log: Logger): void {
  let last = Promise.resolve()
  process.on('SIGHUP', () => {
    last = last.then(() => reload(sidecar, load, log))
  })
}

async function reload(sidecar: Sidecar, load: () => Config, log: Logger): Promise<void> {
  try {
    await sidecar.apply(load())
    log.info(sidecar.addresses, 'the new configuration is in force')
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { code, hint, message } = error
    log.error({ code, hint }, `the new configuration is refused, the old one stays in force: ${message}`)
  }
}
