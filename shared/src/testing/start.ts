import { Child, type ChildOptions } from './child.ts'
import type { StarterMessage, StarterTask } from './starter.ts'

const STARTER = new URL('./starter.ts', import.meta.url)

/** Starts a server process; its first message says whether it listens. */
export function start(task: StarterTask, options: ChildOptions = {}): Child {
  return new Child(STARTER, [JSON.stringify(task)], options)
}

/** The next message of a starter, which has to be this event. */
export async function expectEvent<E extends StarterMessage['event']>(
  child: Child,
  event: E,
): Promise<Extract<StarterMessage, { event: E }>> {
  const message = await child.next<StarterMessage>()
  if (message.event === event) return message as Extract<StarterMessage, { event: E }>
  throw new Error(`expected ${event}, came ${JSON.stringify(message)}`)
}

/** A server process that listens already. */
export async function startListening(task: StarterTask, options: ChildOptions = {}): Promise<Child> {
  const child = start(task, options)
  await expectEvent(child, 'listening')
  return child
}

/** What a start that has to fail gives as its reason. */
export async function failureOf(task: StarterTask, options: ChildOptions = {}) {
  await using child = start(task, options)
  return await expectEvent(child, 'failed')
}
