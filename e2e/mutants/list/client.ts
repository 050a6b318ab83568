import type { Mutant } from '../mutant.ts'

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
]
