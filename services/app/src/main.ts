import { buildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { runMain } from '@uds-sidecar/shared/lifecycle/run-main'
import { untilSignal } from '@uds-sidecar/shared/lifecycle/until-signal'
import { startApp } from './app.ts'
import { loadConfig } from './config.ts'

async function main(): Promise<void> {
  if (process.argv[2] === '--version') {
    const { version, revision } = buildInfo(process.env)
    process.stdout.write(`app ${version} (${revision})\n`)
    return
  }
  const config = loadConfig(process.env)
  const log = createLog('app', config.logLevel)
  const signal = untilSignal()
  await using app = await startApp(config, log, signal)
  await app.closed
}

await runMain('app', main)
