import type { Container } from 'dockerode'
import { buildSync } from 'esbuild'
import { exec } from './engine.ts'
import { REPOSITORY } from './run.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** A container in which functions of a test can be run. */
export interface Insider {
  inside<Args extends readonly Json[], Result>(
    work: (...args: Args) => Result,
    ...args: Args
  ): Promise<Awaited<Result>>
}

/**
 * Runs a function of a test in a container that has Node, and returns what it returned. Only its text gets there: it
 * takes what it needs as arguments and imports the rest itself. The images have no sources, so what it imports of this
 * project goes with it.
 */
export async function inside<Args extends readonly Json[], Result>(
  container: Container,
  work: (...args: Args) => Result,
  ...args: Args
): Promise<Awaited<Result>> {
  const { exitCode, stdout, stderr } = await exec(container, nodeCommand(work, ...args))
  if (exitCode !== 0) throw new Error(`in the container, exit code ${exitCode}: ${stderr}`)
  return JSON.parse(stdout === '' ? 'null' : stdout)
}

/**
 * The option of Node that runs the function before the program, which then meets what the function changed of Node's
 * own modules. Only the text of the function gets there, as with `inside`.
 */
export function nodeImport<Args extends readonly Json[]>(
  work: (...args: Args) => unknown,
  ...args: Args
): string {
  const program = `await (${work})(...${JSON.stringify(args)})`
  return `--import=data:text/javascript,${encodeURIComponent(program)}`
}

/** The command that runs the function in Node and prints its result as JSON. */
export function nodeCommand<Args extends readonly Json[]>(
  work: (...args: Args) => unknown,
  ...args: Args
): string[] {
  const call = `await (${work})(...${JSON.stringify(args)})`
  const program = `const result = ${call}\nif (result !== undefined) console.log(JSON.stringify(result))`
  return ['node', '--input-type=module', '--eval', withImports(program)]
}

/** Without white space it fits into one argument of a command, which Linux limits to 128 KiB. */
function withImports(program: string): string {
  if (!program.includes("'@uds-sidecar/")) return program
  const { outputFiles } = buildSync({
    stdin: { contents: program, resolveDir: REPOSITORY },
    bundle: true,
    external: ['/srv/*'], // in the image
    format: 'esm',
    platform: 'node',
    target: 'esnext',
    minifyWhitespace: true,
    write: false,
  })
  return outputFiles.map(({ text }) => text).join('')
}
