/**
 * Node's `node:http`, in 3 ms instead of 35 (Node 26): an `import` of it reads every export, and `WebSocket` among them
 * loads the whole of undici. Types may be imported as ever.
 */
export const http = process.getBuiltinModule('node:http')
