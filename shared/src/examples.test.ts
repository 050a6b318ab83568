import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { listen } from './listen/listen.ts'
import { tempDirectory } from './testing/files.ts'

const FILES = [
  'config/read-env.ts',
  'dial/dial.ts',
  'endpoint/endpoint.ts',
  'http/request.ts',
  'listen/listen.ts',
]
const run = promisify(execFile)

/** What a reader of an example imports. */
const IMPORTS = `
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import * as v from 'valibot'
import { integerText } from '${module('config/env-types.ts')}'
import { readEnv } from '${module('config/read-env.ts')}'
import { dial } from '${module('dial/dial.ts')}'
import { parseEndpoint } from '${module('endpoint/endpoint.ts')}'
import { request } from '${module('http/request.ts')}'
import { listen } from '${module('listen/listen.ts')}'
`

function module(file: string): string {
  return new URL(file, import.meta.url).href
}

/** The code of each `@example` of a file; `EXPRESSION // VALUE` becomes an assertion. */
function examplesOf(file: string): string[] {
  const source = readFileSync(new URL(file, import.meta.url), 'utf8')
  return [...source.matchAll(/^ \* @example\n(?<code>(?: \* (?!@).*\n)+)/gm)].map(({ groups }) =>
    (groups?.code ?? '')
      .replaceAll(/^ \* /gm, '')
      .replaceAll(/^(.*\)) \/\/ (.*)$/gm, 'assert.deepEqual($1, $2)'),
  )
}

describe('the examples in the docstrings', () => {
  for (const file of FILES) {
    it(`of ${file} run`, async () => {
      await using directory = await tempDirectory()
      const respond = createHttpServer((_request, response) => response.end('{}'))
      await using _http = await listen(respond, { kind: 'unix', path: directory.at('api.sock') })
      const echo = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket))
      await using _echo = await listen(echo, { kind: 'unix', path: directory.at('echo.sock') })
      const examples = examplesOf(file)
      assert.notEqual(examples.length, 0)
      for (const example of examples) {
        const code = IMPORTS + example.replaceAll('/run/app/api', directory.path)
        await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: import.meta.dirname })
      }
    })
  }
})
