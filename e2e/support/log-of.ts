import type { Container } from 'dockerode'
import { demultiplex } from './demultiplex.ts'

/** What a container wrote, stderr after stdout; with `tail` the last so many lines. */
export async function logOf(container: Container, tail?: number): Promise<string> {
  const bytes = await container.logs({ stdout: true, stderr: true, ...(tail === undefined ? {} : { tail }) })
  const { stdout, stderr } = demultiplex(bytes)
  return stdout + stderr
}
