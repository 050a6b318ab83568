import { buildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { runMain, untilSignal } from '@uds-sidecar/shared/lifecycle/run-main'
import { startApp } from './app.ts'
import { loadConfig, runOption } from './config.ts'

async function main(): Promise<void> {
  if (runOption(process.argv.slice(2), buildInfo(process.env))) return
  const config = loadConfig(process.env)
  const log = createLog('app', config.logLevel)
  const signal = untilSignal()
  await using app = await startApp(config, log, signal)
  await app.closed
}

await runMain('app', main)
