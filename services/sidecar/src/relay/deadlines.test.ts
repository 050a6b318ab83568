import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import fc from 'fast-check'
import { GET, httpStack, OK } from '../testing/http-stack.ts'
import { responding } from '../testing/raw-server.ts'
import { Deadlines, Timed } from './deadlines.ts'

class Alarm extends Timed {
  expiredAt: number[] = []
  readonly #onExpire: (alarm: Alarm) => void

  constructor(onExpire: (alarm: Alarm) => void) {
    super()
    this.#onExpire = onExpire
  }

  expire(): void {
    this.#onExpire(this)
  }
}

function wheel() {
  const clock = { ms: 1_000 }
  const deadlines = new Deadlines(() => clock.ms)
  const alarm = (then?: () => void) =>
    new Alarm((self) => {
      self.expiredAt.push(clock.ms)
      then?.()
    })
  const pass = (ms: number) => {
    for (const end = clock.ms + ms; clock.ms < end; ) {
      clock.ms = Math.min(end, clock.ms + 10)
      deadlines.advance()
    }
  }
  return { clock, deadlines, alarm, pass }
}

describe('a deadline', () => {
  it('expires once, not early and at most 100 ms late', () => {
    const { deadlines, alarm, pass } = wheel()
    const one = alarm()
    deadlines.set(one, 500)
    pass(2_000)
    const [at = 0] = one.expiredAt
    assert.equal(one.expiredAt.length, 1)
    assert.ok(at >= 1_500 && at <= 1_600, `expired at ${at}`)
  })

  it('expires only at its new time when it is moved later', () => {
    const { deadlines, alarm, pass } = wheel()
    const one = alarm()
    deadlines.set(one, 100)
    deadlines.set(one, 900)
    pass(800)
    assert.deepEqual(one.expiredAt, [])
    pass(300)
    assert.equal(one.expiredAt.length, 1)
  })

  it('expires at its new time when it is moved earlier', () => {
    const { deadlines, alarm, pass } = wheel()
    const one = alarm()
    deadlines.set(one, 60_000)
    deadlines.set(one, 100)
    pass(200)
    assert.equal(one.expiredAt.length, 1)
  })

  it('never expires when it is cleared', () => {
    const { deadlines, alarm, pass } = wheel()
    const one = alarm()
    deadlines.set(one, 100)
    deadlines.clear(one)
    pass(1_000)
    assert.deepEqual(one.expiredAt, [])
  })

  it('expires on time when it is further away than one turn of the wheel', () => {
    const { deadlines, alarm, pass } = wheel()
    const one = alarm()
    deadlines.set(one, 200_000)
    pass(199_990)
    assert.deepEqual(one.expiredAt, [])
    pass(110)
    assert.equal(one.expiredAt.length, 1)
  })

  it('expires even if the event loop was blocked for longer than one turn of the wheel', () => {
    const { clock, deadlines, alarm } = wheel()
    const one = alarm()
    deadlines.set(one, 5_000)
    clock.ms += 300_000
    deadlines.advance()
    assert.equal(one.expiredAt.length, 1)
  })
})

describe('on a busy machine, a deadline', () => {
  it('that is set late in a turn of the event loop, is not early', () => {
    const { clock, deadlines, alarm } = wheel()
    deadlines.set(alarm(), 60_000)
    clock.ms += 1_000 // without a tick
    const one = alarm()
    deadlines.set(one, 500)
    deadlines.advance()
    clock.ms += 499
    deadlines.advance()
    assert.deepEqual(one.expiredAt, [])
    clock.ms += 101
    deadlines.advance()
    assert.equal(one.expiredAt.length, 1)
  })

  it('that passed while the process did not run, expires after the bytes that came meanwhile', async () => {
    await using directory = await tempDirectory()
    const server = createServer().listen(directory.at('s'))
    await once(server, 'listening')
    const [[accepted], client] = await Promise.all([once(server, 'connection'), connected(directory.at('s'))])
    const order: string[] = []
    client.on('data', () => order.push('bytes'))
    const { promise, resolve } = Promise.withResolvers<void>()
    const deadlines = new Deadlines()
    accepted.write('x') // at once: the kernel has it from now on
    const alarm = new Alarm(() => {
      order.push('expired')
      resolve()
    })
    deadlines.set(alarm, 50)
    for (const end = performance.now() + 200; performance.now() < end; );
    await promise
    client.destroy()
    accepted.destroy()
    server.close()
    assert.deepEqual(order, ['bytes', 'expired'])
  })
})

describe('while the clock is held', () => {
  it('everything counts from when it was read, and afterwards from now', () => {
    const { clock, deadlines, alarm, pass } = wheel()
    const [held, later] = [alarm(), alarm()]
    deadlines.hold()
    clock.ms += 400
    deadlines.set(held, 500)
    assert.equal(deadlines.readNowMs(), 1_000)
    deadlines.release()
    assert.equal(deadlines.readNowMs(), 1_400)
    deadlines.set(later, 500)
    pass(210)
    assert.deepEqual([held.expiredAt.length, later.expiredAt.length], [1, 0])
  })

  for (const [what, request] of [
    ['a refused request', 'GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['a response', GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')],
  ] as const)
    it(`${what} takes place, and not longer: what is set next counts from now`, async () => {
      let nowMs = 1_000
      const settings = 'allow: [GET /a], timeouts: {idle: 5s, head: 100ms}'
      const closing = OK.replace('\r\n', '\r\nConnection: close\r\n')
      await using stack = await httpStack(responding(closing), settings, { clock: () => nowMs })
      await stack.open().send(request).toItsEnd()
      nowMs += 10_000
      const waiting = await stack.openAndWait()
      const slow = stack.open().send('GET')
      await eventually('its deadline', () => {
        nowMs += 50
        return slow.received.startsWith('HTTP/1.1 408')
      })
      await waiting.send(GET).hears('ok')
    })
})

async function connected(path: string): Promise<Socket> {
  const socket = connect(path)
  await once(socket, 'connect')
  return socket
}

it('the expiry of one deadline may clear another in the same slot', () => {
  const { deadlines, alarm, pass } = wheel()
  const others: Alarm[] = []
  const clearOthers = () => {
    for (const other of others) deadlines.clear(other)
  }
  for (let i = 0; i < 3; i++) others.push(alarm(clearOthers))
  for (const other of others) deadlines.set(other, 100)
  pass(500)
  assert.equal(others.flatMap(({ expiredAt }) => expiredAt).length, 1)
})

it('in any sequence of set, clear and passing time, each deadline expires exactly when it is due', () => {
  const step = fc.oneof(
    fc.record({ op: fc.constant('set' as const), who: fc.nat(4), ms: fc.integer({ min: 1, max: 120_000 }) }),
    fc.record({ op: fc.constant('clear' as const), who: fc.nat(4), ms: fc.constant(0) }),
    fc.record({
      op: fc.constant('pass' as const),
      who: fc.constant(0),
      ms: fc.integer({ min: 1, max: 70_000 }),
    }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { clock, deadlines, alarm, pass } = wheel()
      const alarms = Array.from({ length: 5 }, () => alarm())
      const dueMs = alarms.map(() => 0)
      for (const { op, who, ms } of steps) {
        const one = alarms[who] as Alarm
        if (op === 'set') {
          deadlines.set(one, ms)
          dueMs[who] = clock.ms + ms
        } else if (op === 'clear') {
          deadlines.clear(one)
          dueMs[who] = 0
        } else {
          pass(ms)
        }
        for (const [index, { expiredAt }] of alarms.entries()) {
          const due = dueMs[index] ?? 0
          const at = expiredAt.pop()
          if (at === undefined) assert.ok(due === 0 || clock.ms < due + 110, `${index} is overdue`)
          else assert.ok(due > 0 && at >= due && at <= due + 110, `due ${due}, expired ${at}`)
          if (at !== undefined) dueMs[index] = 0
        }
      }
    }),
    { numRuns: 60 },
  )
})
