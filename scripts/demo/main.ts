import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { runMain, untilSignal } from '@uds-sidecar/shared/lifecycle/run-main'
import { hasRedis } from './redis.ts'
import { makeRunDirectory } from './run-directory.ts'
import { exercise, startStack } from './stack.ts'

/** Runs the programs of the compose stack as plain processes, with the same sockets and modes, and exercises them once. */
async function main(): Promise<void> {
  const stop = untilSignal()
  process.once('SIGHUP', () => process.kill(process.pid, 'SIGTERM')) // the terminal was closed
  const redis = await hasRedis()
  if (!redis) {
    process.stdout.write(
      'There is no redis-server in PATH: the app runs without Redis, and only visits fail.\n',
    )
  }
  try {
    await using directory = await makeRunDirectory()
    await using stack = await startStack(directory, redis, stop)
    process.exitCode = await exercise(stack, stop)
  } catch (error) {
    if (!stop.aborted) throw error
    process.exitCode = EXIT.interrupted
  }
}

await runMain('demo', main)
