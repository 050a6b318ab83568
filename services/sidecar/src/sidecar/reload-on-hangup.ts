import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { notify } from '@uds-sidecar/shared/lifecycle/notify'
import type { Config } from '../config/config.ts'
import type { Sidecar } from './sidecar.ts'

/**
 * Reloads the configuration at each SIGHUP. An invalid configuration is refused completely and logged; the current one
 * stays active. SIGHUPs during a reload cause one more reload, and SIGHUPs during the start cause one after it.
 * @param stop once it has aborted, systemd is told nothing more: a service that stops is not ready again.
 * @returns a function to call with the sidecar once it has started.
 */
export function reloadOnHangup(
  load: () => Config,
  log: Logger,
  stop: AbortSignal,
): (sidecar: Sidecar) => void {
  let running: Sidecar | undefined
  let isReloading = false
  let isAsked = false
  const reloadAll = async (sidecar: Sidecar) => {
    isReloading = true
    while (isAsked) {
      isAsked = false
      await reload(sidecar, load, log, stop)
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

/** Tells systemd too, for `Type=notify-reload` (sd_notify(3)): a reload that is refused has ended like any other. */
async function reload(sidecar: Sidecar, load: () => Config, log: Logger, stop: AbortSignal): Promise<void> {
  const options = { env: process.env, onProblem: (problem: string) => log.warn(problem) }
  if (!stop.aborted) await notify('reloading', options)
  await applyOrRefuse(sidecar, load, log)
  if (!stop.aborted) await notify('ready', options)
}

async function applyOrRefuse(sidecar: Sidecar, load: () => Config, log: Logger): Promise<void> {
  try {
    await sidecar.apply(load())
    log.info(sidecar.addresses, 'the new configuration is active')
  } catch (error) {
    const [fields, text] = refusal(error)
    sidecar.reloads.refused(text)
    log.error(fields, text)
  }
}

function refusal(error: unknown): [fields: object, text: string] {
  const text = 'the new configuration is refused, the old one stays active'
  if (error instanceof Failure) {
    const { code, errno, hint, message } = error
    return [{ code, errno, hint }, `${text}: ${message}`]
  }
  return [{ code: 'internal_error', err: error }, `${text}: internal error`]
}
