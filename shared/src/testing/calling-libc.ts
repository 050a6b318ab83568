import { errnoOf, Failure } from '../failure/failure.ts'
import { LOCK_EX, LOCK_NB, libc } from '../kernel/libc.ts'
import { requirePeerCredentials } from '../kernel/peer.ts'

/** A program that tells what it has of libc; stderr shows what Node warns of: `node calling-libc.ts`. */
export interface LibcReport {
  /** Whether node:ffi was loaded after the import, and after the call. */
  readonly loaded: readonly [boolean, boolean]
  readonly available: boolean
  readonly reason: string | undefined
  readonly hint: string | undefined
  /** Of flock(2) on a descriptor that is not open. */
  readonly errno: string | undefined
  /** What a start says that needs peer credentials. */
  readonly refused: readonly [code: string, exitCode: number, message: string, hint: string] | undefined
}

function isLoaded(): boolean {
  const modules: unknown = Reflect.get(process, 'moduleLoadList')
  return Array.isArray(modules) && modules.includes('NativeModule ffi')
}

const before = isLoaded()
const c = libc()
const after = isLoaded()
process.emitWarning('of another feature', 'ExperimentalWarning')
const report: LibcReport = {
  loaded: [before, after],
  available: c.available,
  reason: c.available ? undefined : c.reason,
  hint: c.available ? undefined : c.hint,
  errno: c.available ? thrownBy(() => c.flock(9_999, LOCK_EX | LOCK_NB)) : undefined,
  refused: refusal(),
}
process.send?.(report)

function thrownBy(call: () => void): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return errnoOf(error)
  }
}

function refusal(): LibcReport['refused'] {
  try {
    requirePeerCredentials('a test')
    return undefined
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { code, exitCode, message, hint } = error
    return [code, exitCode, message, hint]
  }
}
