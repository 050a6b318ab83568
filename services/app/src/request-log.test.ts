import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { LogOutput } from '@uds-sidecar/shared/lifecycle/log-output'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import express from 'express'
import { startApp } from './app.ts'
import { loadConfig } from './config.ts'
import { createHttpServer } from './http-server.ts'
import { RequestLog } from './request-log.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const TRACED = { traceparent: `00-${TRACE}-${PARENT}-01` }

/** A running app without Redis, and the lines of its requests. */
async function runApp() {
  const directory = await tempDirectory()
  const names = ['METRICS', 'API', 'ECHO', 'ADMIN', 'REDIS']
  const env = Object.fromEntries(names.map((name) => [`APP_${name}`, `unix:${directory.at(name)}`]))
  let text = ''
  const output = new LogOutput((bytes) => {
    text += Buffer.from(bytes).toString()
    return bytes.length
  })
  const stop = new AbortController()
  const app = await startApp(loadConfig(env), createLog('app', 'info', output), stop.signal)
  const at = (name: string): Endpoint => ({ kind: 'unix', path: directory.at(name) })
  return {
    ask: (name: string, path: string, headers: Record<string, string> = {}) =>
      request(at(name), { path, headers }),
    lines: () =>
      text
        .split('\n')
        .filter((line) => line.includes('"msg":"request"'))
        .map((line) => JSON.parse(line)),
    async [Symbol.asyncDispose]() {
      stop.abort('test ended')
      await app.closed
      await directory[Symbol.asyncDispose]()
    },
  }
}

describe('the request log of the app', () => {
  it('has a span of the app for each request of a trace', async () => {
    await using app = await runApp()
    await app.ask('API', '/nothing?secret=1', TRACED)
    await app.ask('METRICS', '/metrics', TRACED)
    await eventually('two lines', () => app.lines().length === 2)
    const [first, second] = app.lines()
    const { time: _, spanId, ms, ...rest } = first
    assert.deepEqual(rest, {
      level: 'info',
      service: 'app',
      listener: 'api',
      method: 'GET',
      path: '/nothing',
      status: 404,
      traceId: TRACE,
      parentSpanId: PARENT,
      msg: 'request',
    })
    assert.match(spanId, /^[0-9a-f]{16}$/)
    assert.ok(ms >= 0)
    assert.deepEqual([second.listener, second.status, second.traceId], ['metrics', 200, TRACE])
    assert.notEqual(second.spanId, spanId)
  })

  it('has nothing about other requests', async () => {
    await using app = await runApp()
    await app.ask('API', '/-/healthy')
    await app.ask('API', '/-/healthy', { traceparent: '00-x' })
    await app.ask('API', '/-/healthy', TRACED)
    await eventually('a line', () => app.lines().length > 0)
    assert.equal(app.lines().length, 1)
  })

  it('has 100 lines a second, and then says how many it left out', async () => {
    let nowMs = 5_000
    const lines: { readonly leftOut?: number }[] = []
    const output = new LogOutput((bytes) => {
      lines.push(JSON.parse(Buffer.from(bytes).toString()))
      return bytes.length
    })
    const log = new RequestLog(createLog('app', 'info', output), () => nowMs)
    await using directory = await tempDirectory()
    const server = createHttpServer(
      express()
        .use(log.observe('api'))
        .use((_request, response) => void response.end()),
    )
    const path = directory.at('api')
    await once(server.listen(path), 'listening')
    const ask = () => request({ kind: 'unix', path }, { headers: TRACED })
    for (let i = 0; i < 103; i++) await ask()
    nowMs += 1_000
    await ask()
    await eventually('the line of the next second', () => lines.length === 101)
    assert.equal(lines[100]?.leftOut, 3)
    server.close()
  })
})
