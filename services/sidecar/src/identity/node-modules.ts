/**
 * `node:crypto` and `node:worker_threads`, loaded when this module runs: only where a client has a token or a password.
 * An `import` of them would move to the top of the bundle, and so to each start. Types are imported as usual.
 */
export const crypto = process.getBuiltinModule('node:crypto')
export const workerThreads = process.getBuiltinModule('node:worker_threads')
