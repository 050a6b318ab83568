import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { dialogue } from '../../echo/dialogue.ts'
import { type Check, seen } from '../check.ts'
import type { Situation } from '../situation.ts'

const CONNECTIONS = 16

/** S3: a line protocol, and a handler of its own for each connection. */
export function echo({ config }: Situation): Check[] {
  return [config.echo, config.tcpEcho].flatMap((endpoint) => [ping(endpoint), atOnce(endpoint)])
}

function ping(endpoint: Endpoint): Check {
  return {
    row: 'S3',
    what: 'send "ping"',
    endpoint,
    expected: 'echo: ping',
    async observe() {
      const [answer = 'nothing'] = await dialogue(endpoint, ['ping'])
      return seen(answer, answer === 'echo: ping')
    },
  }
}

function atOnce(endpoint: Endpoint): Check {
  return {
    row: 'S3',
    what: `${CONNECTIONS} connections at once, 2 lines each`,
    endpoint,
    expected: 'each its own answers',
    async observe() {
      const numbers = Array.from({ length: CONNECTIONS }, (_, i) => i)
      const right = await Promise.all(numbers.map((i) => answersItsOwn(endpoint, i)))
      const count = right.filter(Boolean).length
      return seen(
        count === CONNECTIONS ? 'each its own answers' : `${count} of ${CONNECTIONS}`,
        count === CONNECTIONS,
      )
    },
  }
}

async function answersItsOwn(endpoint: Endpoint, i: number): Promise<boolean> {
  const lines = [`connection ${i} line 1`, `connection ${i} line 2`]
  const answers = await dialogue(endpoint, lines)
  return answers.every((answer, j) => answer === `echo: ${lines[j]}`)
}
