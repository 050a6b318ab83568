/** Waits for `work`, at most `ms` milliseconds. @throws Error that names `what` after that */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms).unref()
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}
