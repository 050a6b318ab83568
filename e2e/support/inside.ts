import type { Container } from 'dockerode'
import { exec } from './engine.ts'

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
 * takes what it needs as arguments and imports the rest itself, this project's packages too.
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
  return ['node', '--input-type=module', '--eval', program]
}
