/** Several files are read at once, and all that are missing or bad are reported together. */
import { Failure } from '@uds-sidecar/shared/failure/failure'

/** One failure that names all missing and bad files. A reason that is no `Failure` is a defect, and comes first. */
export function badFiles(reasons: readonly unknown[]): unknown {
  const failures = reasons.filter((reason) => reason instanceof Failure)
  const [first] = failures
  if (first === undefined || failures.length < reasons.length)
    return reasons.find((reason) => !(reason instanceof Failure))
  return new Failure('bad_config', {
    message: [...new Set(failures.map(({ message }) => message))].join('\n  '),
    hint: [...new Set(failures.map(({ hint }) => hint))].join('; '),
    errno: first.errno,
    cause: first,
  })
}

/** Waits for all of them. @throws Failure `bad_config` that names the mistakes of all */
export async function together<const T extends readonly Promise<unknown>[]>(
  reading: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const reasons = (await Promise.allSettled(reading)).flatMap((each) =>
    each.status === 'rejected' ? [each.reason] : [],
  )
  if (reasons.length > 0) throw badFiles(reasons)
  return await Promise.all(reading)
}
