/** One way to make two parsers disagree about a request, as somebody has described it. */
export interface Attack {
  readonly name: string
  /** Where it is described, or the flaw that it was. */
  readonly source: string
  /** In latin1. */
  readonly text: string
  /** `forwarded`: harmless as it stands, when it is read as every server reads it. */
  readonly verdict: 'refused' | 'forwarded'
}

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n'

export function refused(name: string, source: string, text: string): Attack {
  return { name, source, text, verdict: 'refused' }
}

export function forwarded(name: string, source: string, text: string): Attack {
  return { name, source, text, verdict: 'forwarded' }
}

/** A POST with these lines, then `body`. */
export function post(lines: readonly string[], body = ''): string {
  return `POST / HTTP/1.1\r\nHost: h\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`
}

/** Whoever reads the length sees nothing after it; whoever reads the chunks sees another request. */
export function clTe(...lines: string[]): string {
  const body = `0\r\n\r\n${SMUGGLED}`
  return post([`Content-Length: ${body.length}`, ...lines], body)
}

/** Whoever reads the chunks sees nothing after them; whoever reads the length sees another request. */
export function teCl(...lines: string[]): string {
  const body = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`
  return post([...lines, 'Content-Length: 4'], body)
}

/** A chunked body of these bytes. */
export function chunked(body: string): string {
  return post(['Transfer-Encoding: chunked'], body)
}

/** No framing of its own but this odd line; who takes it for a framing reads the rest as a body. */
export function odd(line: string): string {
  return post([line], SMUGGLED)
}
