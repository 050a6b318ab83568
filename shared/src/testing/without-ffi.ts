/**
 * Arguments that make a Node of a test one without node:ffi, so that it locks by flock(1) and knows no peer. None for a
 * Node that has no node:ffi anyway: an option that it does not know would end it.
 */
export const WITHOUT_FFI: readonly string[] = process.allowedNodeEnvironmentFlags.has('--experimental-ffi')
  ? ['--no-experimental-ffi']
  : []
