import { build } from 'esbuild'

/** What the images start, by service: its own program first. */
const PROGRAMS = {
  app: ['services/app/src/main.ts', 'shared/src/healthcheck.ts'],
  sidecar: ['services/sidecar/src/main.ts', 'shared/src/healthcheck.ts'],
  client: ['services/client/src/main.ts'],
} as const

/** CommonJS packages in an ES module still ask for Node's own modules. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

/**
 * `npm run bundle`: joins each program with all that it imports, so that a start reads one file instead of some 260.
 * What is imported late still runs late. Nothing is shortened: a stack trace names functions, and a comment above each
 * part the file that it comes from.
 */
for (const [service, entryPoints] of Object.entries(PROGRAMS))
  await build({
    entryPoints: Object.fromEntries(entryPoints.map((file) => [nameOf(file), file])),
    outdir: `bundle/${service}`,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'esnext', // Node runs the sources as they are: nothing is to be rewritten
    banner: { js: REQUIRE },
    logLevel: 'warning',
  })

function nameOf(file: string): string {
  return file.replace(/^.*\/|\.ts$/g, '')
}
