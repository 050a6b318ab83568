/**
 * `node:tls` and `node:crypto`, loaded when this module runs: only where a listener has TLS. An `import` of them would
 * move to the top of the bundle, and so to each start. Types are imported from Node's modules as usual.
 */
export const tls = process.getBuiltinModule('node:tls')
export const crypto = process.getBuiltinModule('node:crypto')
