import type { Mutant } from '../mutant.ts'

const WATCH_TEST = 'services/client/src/commands/watch.test.ts'
const EXPOSITION_TEST = 'services/client/src/exposition/parse-exposition.test.ts'

/** How the command line parses and shows text. */
export const client: readonly Mutant[] = [
  {
    name: 'tabs between the tokens of a sample are no longer skipped',
    file: 'services/client/src/exposition/read-line.ts',
    find: 'const BLANKS = /[ \\t]*/y',
    replace: 'const BLANKS = /[ ]*/y',
    killers: [EXPOSITION_TEST],
  },
  {
    name: 'text after a sample is ignored',
    file: 'services/client/src/exposition/read-line.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the product's own text
    find: 'if (!this.atEnd) throw new SyntaxError(`nothing may follow ${this.where()}`)',
    replace: 'this.where()',
    killers: [EXPOSITION_TEST],
  },
  {
    name: 'a label that appears twice is accepted',
    file: 'services/client/src/exposition/read-line.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the product's own text
    find: '  if (labels.has(key)) throw new SyntaxError(`label ${JSON.stringify(key)} appears twice`)\n',
    replace: '',
    killers: [EXPOSITION_TEST],
  },
  {
    name: 'a path in a command to copy is not quoted',
    file: 'shared/src/text/shell-word.ts',
    find: 'if (PLAIN.test(text)) return text',
    replace: 'if (!/\\p{Cc}/u.test(text)) return text',
    killers: ['shared/src/text/shell-word.test.ts', 'services/client/src/doctor/doctor-commands.test.ts'],
  },
  {
    name: 'an error shows control characters as they came',
    file: 'services/client/src/cli/run-command-line.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the product's own text
    find: 'hint: ${visible(hint)}',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the product's own text
    replace: 'hint: ${hint}',
    killers: ['services/client/src/cli/hostile-text.test.ts'],
  },
  {
    name: 'control characters of one byte above 0x7f are let through',
    file: 'shared/src/text/visible.ts',
    find: 'const HIDDEN = /[\\p{Cc}',
    replace: 'const HIDDEN = /[\\u0000-\\u001f',
    killers: ['shared/src/text/visible.test.ts'],
  },
  {
    name: 'doctor reports a loop of links as a dangling link',
    file: 'services/client/src/doctor/findings/find.ts',
    find: '  impossibleLink,\n  danglingLink,\n  linkDenied,\n  notASocket,',
    replace: '  danglingLink,\n  linkDenied,\n  notASocket,',
    killers: ['services/client/src/doctor/doctor-file.test.ts'],
  },
  {
    name: 'doctor gives no advice about a server that responds with 500',
    file: 'services/client/src/doctor/findings/conversation-findings.ts',
    find: 'problem?.hint === undefined ? readItsLog(place, status) :',
    replace: 'problem?.hint === undefined ? [] :',
    killers: ['services/client/src/doctor/doctor-listener.test.ts'],
  },
  {
    name: 'what follows # EOF is ignored',
    file: 'services/client/src/exposition/parse-exposition.ts',
    find: 'const after = openMetrics ?',
    replace: 'const after = lines.length < 0 ?',
    killers: [EXPOSITION_TEST],
  },
  {
    name: 'a blank after # EOF is a text that was cut short',
    file: 'services/client/src/exposition/parse-exposition.ts',
    find: '[ \\t]+EOF[ \\t]*$/',
    replace: '[ \\t]+EOF$/',
    killers: [EXPOSITION_TEST],
  },
  {
    name: 'a counter that began again at 0 is counted as fallen',
    file: 'services/client/src/watch/traffic.ts',
    find: 'return now < before ? now : now - before',
    replace: 'return now - before',
    killers: ['services/client/src/watch/traffic.test.ts'],
  },
  {
    name: 'a percentile is the bound of its bucket',
    file: 'services/client/src/watch/traffic.ts',
    find: '(lower + (bound - lower) * ((rank - below) / Math.max(count - below, 1)))',
    replace: '(below < 0 || rank < 0 ? lower : bound)',
    killers: ['services/client/src/watch/traffic.test.ts'],
  },
  {
    name: 'what the sidecar refused is no failure of the watch',
    file: 'services/client/src/watch/traffic.ts',
    find: "  sidecar_requests_refused_total: 'code',\n",
    replace: '',
    killers: ['services/client/src/watch/traffic.test.ts'],
  },
  {
    name: 'a watch ends because the sidecar is away',
    file: 'services/client/src/watch/traffic-watch.ts',
    find: 'if (error instanceof Failure || error instanceof CliError) return error.code',
    replace: '',
    killers: [WATCH_TEST],
  },
  {
    name: 'a watch waits for its interval before it ends',
    file: 'services/client/src/watch/watch.ts',
    find: '[Symbol.dispose]: () => left.abort()',
    replace: '[Symbol.dispose]: () => undefined',
    killers: [WATCH_TEST],
  },
  {
    name: 'a trace id is shown that the request does not have',
    file: 'services/client/src/http/trace.ts',
    find: '{ ...reach.headers, traceparent }',
    replace: '{ ...reach.headers, traceparent: TraceContext.start().traceparent }',
    killers: ['services/client/src/commands/simple-commands.test.ts'],
  },
  {
    name: 'a dialogue whose deadline passed while it connected has none',
    file: 'services/client/src/echo/dialogue.ts',
    find: 'if (deadline.aborted) throw tooLate(endpoint, timeoutMs)',
    replace: '',
    killers: ['services/client/src/echo/dialogue.test.ts'],
  },
]
