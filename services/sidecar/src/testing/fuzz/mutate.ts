import type { Random } from './random.ts'

/** Bytes and words that parsers read in different ways. */
const NASTY = [
  '\r',
  '\n',
  '\r\n',
  '\n\r',
  '\r\r\n',
  '\0',
  ' ',
  '\t',
  '\x0b',
  '\x0c',
  '\x7f',
  '\x80',
  '\xff',
  '\xa0',
  ':',
  ';',
  ',',
  '"',
  '_',
  '-',
  '+',
  '0',
  '1',
  'x',
  '0x',
  'chunked',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  '\r\n\r\n',
  '%',
  '/',
  '\\',
  '?',
  '#',
] as const

/** Changes one to three places of `text`: inserts, removes, replaces or repeats bytes. */
export function mutate(random: Random, text: string): string {
  let mutated = text
  for (let left = 1 + random.below(3); left > 0; left--) mutated = mutateOnce(random, mutated)
  return mutated
}

function mutateOnce(random: Random, text: string): string {
  const at = random.below(text.length + 1)
  const to = Math.min(text.length, at + 1 + random.below(4))
  switch (random.below(6)) {
    case 0:
    case 1:
      return text.slice(0, at) + random.pick(NASTY) + text.slice(at)
    case 2:
      return text.slice(0, at) + text.slice(to)
    case 3:
      return text.slice(0, at) + random.pick(NASTY) + text.slice(at + 1)
    case 4:
      return text.slice(0, to) + text.slice(at)
    default:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1)
  }
}
