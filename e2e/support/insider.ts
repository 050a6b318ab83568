import type { Json } from './inside.ts'

/** A container in which functions of a test can be run. */
export interface Insider {
  inside<Args extends readonly Json[], Result>(
    work: (...args: Args) => Result,
    ...args: Args
  ): Promise<Awaited<Result>>
}
