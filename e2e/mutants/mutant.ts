/** One small breakage of the product, and the tests that are to notice it. */
export interface Mutant {
  readonly name: string
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** Test files, the cheapest first: unit tests run in the copy, those of e2e/ on images built from it. */
  readonly killers: readonly string[]
}
