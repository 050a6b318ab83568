/** `work`, or an error that names what did not happen in `ms`: a bounded run never hangs. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms).unref()
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}
