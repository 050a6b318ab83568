/** One connection that asks and waits, again and again; never two questions at a time. */
export interface Exchanger extends Disposable {
  /** Resolves when the whole answer is there. Rejects with an Error when the connection fails or is disposed. */
  exchange(): Promise<void>
}
