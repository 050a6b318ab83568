import type { Mutant } from '../mutant.ts'

const EXPOSITION = 'services/client/src/exposition'
const EXPOSITION_TEST = 'services/client/src/exposition/parse-exposition.test.ts'

/** What the command line reads, and how it shows it. */
export const client: readonly Mutant[] = [
  {
    name: 'blanks between the tokens of a sample are no longer passed over',
    file: `${EXPOSITION}/read-line.ts`,
    find: 'const BLANKS = /[ \\t]*/y',
    replace: 'const BLANKS = /[ ]*/y',
    killers: [EXPOSITION_TEST],
  },
  {
    name: 'what follows a sample is dropped in silence',
    file: `${EXPOSITION}/read-line.ts`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the product's own text
    find: 'if (!this.atEnd) throw new SyntaxError(`nothing may follow ${this.where()}`)',
    replace: 'this.where()',
    killers: [EXPOSITION_TEST],
  },
  {
    name: 'a label that is there twice is taken once',
    file: `${EXPOSITION}/read-line.ts`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the product's own text
    find: '  if (labels.has(key)) throw new SyntaxError(`label ${JSON.stringify(key)} is there twice`)\n',
    replace: '',
    killers: [EXPOSITION_TEST],
  },
]
