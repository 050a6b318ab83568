import { buildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { runMain } from '@uds-sidecar/shared/lifecycle/run-main'
import { untilSignal } from '@uds-sidecar/shared/lifecycle/until-signal'
import { loadConfig } from './config/load-config.ts'
import { readLogLevel } from './config/log-level.ts'
import { startSidecar } from './sidecar/sidecar.ts'

async function main(): Promise<void> {
  const build = buildInfo(process.env)
  if (process.argv.includes('--version')) return void process.stdout.write(`sidecar ${build.version}\n`)
  const config = loadConfig(process.env)
  const stop = untilSignal()
  const log = createLog('sidecar', readLogLevel(process.env))
  await using sidecar = await startSidecar(config, build, log)
  log.info({ ...build, ...sidecar.addresses }, 'started')
  await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
}

await runMain('sidecar', main)
