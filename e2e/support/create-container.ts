import type { Container } from 'dockerode'
import { type Box, hostConfigOf } from './box.ts'
import { engine } from './engine.ts'
import { RUN_LABEL, runId } from './run-id.ts'

/** A container that is not started yet; the run's sweep removes it if nobody does. */
export function createContainer(box: Box, withStdin = false): Promise<Container> {
  const { image, user, entrypoint, command, env = {} } = box
  return engine.createContainer({
    Image: image,
    ...(user === undefined ? {} : { User: user }),
    ...(entrypoint === undefined ? {} : { Entrypoint: [...entrypoint] }),
    ...(command === undefined ? {} : { Cmd: [...command] }),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    HostConfig: hostConfigOf(box),
    Labels: { [RUN_LABEL]: runId() },
    AttachStdin: withStdin,
    OpenStdin: withStdin,
    StdinOnce: withStdin,
  })
}
