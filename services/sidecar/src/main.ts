import { once } from 'node:events'
import { buildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { LogOutput } from '@uds-sidecar/shared/lifecycle/log-output'
import { notify } from '@uds-sidecar/shared/lifecycle/notify'
import { runMain, untilSignal } from '@uds-sidecar/shared/lifecycle/run-main'
import { runOption } from './cli/run-option.ts'
import { loadConfig, readLogLevel } from './config/config.ts'
import { InheritedSockets } from './sidecar/inherited-sockets.ts'
import { reloadOnHangup } from './sidecar/reload-on-hangup.ts'
import { Sidecar } from './sidecar/sidecar.ts'

async function main(): Promise<void> {
  const build = buildInfo(process.env)
  if (await runOption(process.argv.slice(2), process.env, build)) return
  const load = () => loadConfig(process.env)
  const config = load()
  const stop = untilSignal()
  const output = new LogOutput()
  const log = createLog('sidecar', readLogLevel(process.env), output)
  const started = reloadOnHangup(load, log, stop)
  const inherited = InheritedSockets.from(process.env, config)
  await using sidecar = await Sidecar.start(config, build, log, { inherited, output })
  const manager = { env: process.env, onProblem: (problem: string) => log.warn(problem) }
  log.info({ ...build, ...sidecar.addresses }, 'started')
  await notify('ready', manager)
  started(sidecar)
  await Promise.race([untilAborted(stop), sidecar.allReplaced])
  await notify('stopping', manager)
}

async function untilAborted(stop: AbortSignal): Promise<void> {
  if (stop.aborted) return // a signal came during the start
  await once(stop, 'abort')
}

await runMain('sidecar', main)
