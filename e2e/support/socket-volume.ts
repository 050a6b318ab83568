import { engine } from './engine.ts'
import { RUN_LABEL, runId } from './run-id.ts'

export interface SocketVolume extends AsyncDisposable {
  readonly name: string
}

export interface VolumeOptions {
  readonly uid?: number
  readonly gid?: number
  readonly mode?: string
}

/** A volume for sockets, made as compose.yaml makes them; by default the app's own. */
export async function socketVolume(options: VolumeOptions = {}): Promise<SocketVolume> {
  const { uid = 10_001, gid = 10_200, mode = '2750' } = options
  const o = `uid=${uid},gid=${gid},mode=${mode},size=1m,nosuid,nodev,noexec`
  const volume = await engine.createVolume({
    DriverOpts: { type: 'tmpfs', device: 'tmpfs', o },
    Labels: { [RUN_LABEL]: runId() },
  })
  return { name: volume.name, [Symbol.asyncDispose]: () => volume.remove() }
}
