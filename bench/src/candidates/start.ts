import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ground } from '../ground/ground.ts'
import { CANDIDATE_CPU } from '../process/pin.ts'
import { Started } from '../process/started.ts'
import { untilAccepting } from '../process/until.ts'
import { type Usage, usageOf } from '../process/usage.ts'
import type { Candidate, Program, Where } from './candidate.ts'

export interface Running extends AsyncDisposable {
  readonly candidate: Candidate
  readonly port: number
  usage(): Usage
}

/** Starts a candidate before the upstream and waits until it accepts. */
export async function start(candidate: Candidate, ground: Ground, port: number): Promise<Running> {
  if (candidate.program === null) return nothing(candidate, ground.port)
  const directory = join(ground.directory, `${port}`)
  const started = startProgram(candidate.program({ port, socket: ground.socket, directory }), directory)
  await untilAccepting({ host: '127.0.0.1', port })
  const usage = () => usageOf(started.pid)
  return { candidate, port, usage, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

/** Writes a program's files and starts it on the candidate's processor. */
export function startProgram({ command, env, files = {} }: Program, directory: Where['directory']): Started {
  mkdirSync(directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
  return new Started(command, CANDIDATE_CPU, env)
}

function nothing(candidate: Candidate, port: number): Running {
  return { candidate, port, usage: () => ({ cpuUs: 0, rssBytes: 0 }), async [Symbol.asyncDispose]() {} }
}
