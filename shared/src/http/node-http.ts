/**
 * `node:http`, loaded in 3 ms instead of 35 (Node 26): an `import` reads every export, and the export `WebSocket` loads
 * all of undici. Types are imported from `node:http` as usual.
 */
export const http = process.getBuiltinModule('node:http')
