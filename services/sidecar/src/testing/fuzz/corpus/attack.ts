/** One published way to make two parsers read a request differently. */
export interface Attack {
  readonly name: string
  /** The publication, test suite, RFC section or CVE that describes it. */
  readonly source: string
  /** What the client sends, in latin1. */
  readonly text: string
  /** What the sidecar must do. `forwarded` means that every server reads the request in the same, harmless way. */
  readonly verdict: 'refused' | 'forwarded'
}

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n'

export function refused(name: string, source: string, text: string): Attack {
  return { name, source, text, verdict: 'refused' }
}

export function forwarded(name: string, source: string, text: string): Attack {
  return { name, source, text, verdict: 'forwarded' }
}

/** A POST with these fields and then `body`. */
export function post(lines: readonly string[], body = ''): string {
  return `POST / HTTP/1.1\r\nHost: h\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`
}

/** A parser that uses the length sees one request; one that uses the chunks sees a second request. */
export function clTe(...lines: string[]): string {
  const body = `0\r\n\r\n${SMUGGLED}`
  return post([`Content-Length: ${body.length}`, ...lines], body)
}

/** A parser that uses the chunks sees one request; one that uses the length sees a second request. */
export function teCl(...lines: string[]): string {
  const body = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`
  return post([...lines, 'Content-Length: 4'], body)
}

/** A POST with this chunked body. */
export function chunked(body: string): string {
  return post(['Transfer-Encoding: chunked'], body)
}

/** A POST without framing except for this odd line. A parser that takes it for framing reads the rest as a body. */
export function odd(line: string): string {
  return post([line], SMUGGLED)
}
