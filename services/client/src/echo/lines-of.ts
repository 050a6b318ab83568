import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** The lines of a byte stream without their newline; what follows the last newline is a line too, unless empty. */
export async function* linesOf(stream: Readable): AsyncGenerator<string, undefined> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  // A socket whose reading side has ended may still be written to: leave it to its owner.
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    const pieces = (rest + decoder.write(chunk)).split('\n')
    rest = pieces.pop() ?? ''
    yield* pieces
  }
  rest += decoder.end()
  if (rest !== '') yield rest
}
