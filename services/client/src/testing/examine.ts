import assert from 'node:assert/strict'
import type { Diagnosis } from '../doctor/diagnosis.ts'
import { callClient } from './call-client.ts'
import { type Finished, runClient, type Start } from './run-client.ts'

export const AS_ROOT = process.getuid?.() === 0
const NOBODY = AS_ROOT ? { uid: 65_534, gid: 65_534 } : {}

export type Examined = Diagnosis & { readonly processExitCode: number | null }

/** The output of `client doctor --json` for one endpoint. No server of a test is so slow that it runs into the timeout. */
export async function doctor(...args: string[]): Promise<Examined> {
  return read(await callClient(['doctor', '--json', '--timeout-ms', '60000', ...args]))
}

/** The same for a server that never responds: waits for the timeout, and not for long. */
export async function doctorOfPaused(...args: string[]): Promise<Examined> {
  return await doctor(...args, '--timeout-ms', '300')
}

/** The same as a user without root's capabilities: tests that run as root change their uid, others need not. */
export async function doctorAsNobody(...args: string[]): Promise<Examined> {
  return doctorIn(NOBODY, ...args)
}

/** The same in a process that is started in another way. */
export async function doctorIn(start: Start, ...args: string[]): Promise<Examined> {
  return read(await runClient(['doctor', '--json', '--timeout-ms', '60000', ...args], start))
}

function read({ stdout, exitCode }: Finished): Examined {
  return { ...JSON.parse(stdout).diagnoses[0], processExitCode: exitCode }
}

interface Expected {
  readonly verdict: Diagnosis['verdict']
  readonly code: string
  readonly exitCode: number
  /** A part of one of the fixes. */
  readonly fix: string
}

export function assertFinding(examined: Examined, { verdict, code, exitCode, fix }: Expected): void {
  assert.equal(examined.verdict, verdict, JSON.stringify(examined))
  assert.equal(examined.finding?.code, code)
  assert.equal(examined.processExitCode, exitCode)
  const fixes = examined.finding?.fixes.map(({ text }) => text) ?? []
  assert.ok(
    fixes.some((text) => text.includes(fix)),
    `${fix} is not among ${JSON.stringify(fixes)}`,
  )
}
