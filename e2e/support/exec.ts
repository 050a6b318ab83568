import type { Container } from 'dockerode'
import { demultiplex, type Output } from './demultiplex.ts'

export interface Ended extends Output {
  readonly exitCode: number
}

/** Runs a command in a running container, as its user and groups, without a shell. */
export async function exec(container: Container, command: readonly string[]): Promise<Ended> {
  const task = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true })
  const stream = await task.start({})
  const output = demultiplex(Buffer.concat(await stream.toArray()))
  const { ExitCode } = await task.inspect()
  return { ...output, exitCode: ExitCode ?? -1 }
}
