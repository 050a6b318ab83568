import { build } from 'esbuild'

/**
 * The programs that each image starts; the service's own program is the first. The sidecar starts a worker thread that
 * verifies passwords, `client bench` starts the servers.
 */
const PROGRAMS = {
  app: ['services/app/src/main.ts', 'shared/src/healthcheck.ts'],
  sidecar: [
    'services/sidecar/src/main.ts',
    'shared/src/healthcheck.ts',
    'services/sidecar/src/identity/password-worker.ts',
  ],
  client: ['services/client/src/main.ts', 'services/client/src/bench/servers/servers-main.ts'],
} as const

/** CommonJS packages in the bundle call `require` for Node's own modules, and an ES module has none. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

/**
 * `npm run bundle [DIRECTORY]`: joins each program with everything that it imports, so that a start reads one file instead of up
 * to 370. A dynamic import still runs when it is reached. Nothing is minified: a stack trace has the names of functions,
 * and a comment above each part names its source file.
 */
for (const [service, entryPoints] of Object.entries(PROGRAMS))
  await build({
    entryPoints: Object.fromEntries(entryPoints.map((file) => [nameOf(file), file])),
    outdir: `${process.argv[2] ?? 'bundle'}/${service}`,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'esnext', // Node runs the sources directly, so nothing needs rewriting
    banner: { js: REQUIRE },
    logLevel: 'warning',
  })

function nameOf(file: string): string {
  return file.replace(/^.*\/|\.ts$/g, '')
}
