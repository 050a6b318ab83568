import { notify } from '../lifecycle/notify.ts'

/** A service that tells its manager all states in turn, and its parent the problems: `node notifying.ts`. */
const problems: string[] = []
const options = { env: process.env, onProblem: (problem: string) => void problems.push(problem) }
for (const state of ['ready', 'reloading', 'ready', 'stopping'] as const) await notify(state, options)
process.send?.(problems)
