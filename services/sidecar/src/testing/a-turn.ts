/** Lets the event loop poll at least once, so that what was sent before is received apart from what comes after. */
export async function aTurn(): Promise<void> {
  await new Promise(setImmediate)
  await new Promise(setImmediate)
}
