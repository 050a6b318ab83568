import { buildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { runMain, untilSignal } from '@uds-sidecar/shared/lifecycle/run-main'
import { runOption } from './cli/run-option.ts'
import { loadConfig, readLogLevel } from './config/config.ts'
import { reloadOnHangup } from './sidecar/reload-on-hangup.ts'
import { Sidecar } from './sidecar/sidecar.ts'

async function main(): Promise<void> {
  const build = buildInfo(process.env)
  if (await runOption(process.argv.slice(2), process.env, build)) return
  const load = () => loadConfig(process.env)
  const config = load()
  const stop = untilSignal()
  const log = createLog('sidecar', readLogLevel(process.env))
  const started = reloadOnHangup(load, log)
  await using sidecar = await Sidecar.start(config, build, log)
  log.info({ ...build, ...sidecar.addresses }, 'started')
  started(sidecar)
  if (stop.aborted) return // a signal came during the start
  await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
}

await runMain('sidecar', main)
