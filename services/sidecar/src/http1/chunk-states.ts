import {
  BACKSLASH,
  COLON,
  CR,
  EQUALS,
  FIELD_VALUE,
  HEX,
  LF,
  NAME,
  PRINTABLE,
  QUOTE,
  SEMICOLON,
  SPACE,
  TAB,
  TOKEN,
} from './bytes.ts'

/** The bytes that a row of the table is for, with the names that docs/http1.md uses. */
const BYTES = {
  'hex digit': bytesWhere((byte) => (HEX[byte] as number) < 16),
  'token character': bytesWhere((byte) => TOKEN[byte] === 1),
  'field name character': bytesWhere((byte) => (NAME[byte] as number) > 0),
  'field value character': bytesWhere((byte) => FIELD_VALUE[byte] === 1),
  'visible character, space or tab': bytesWhere((byte) => PRINTABLE[byte] === 1),
  'space or tab': [SPACE, TAB],
  CR: [CR],
  LF: [LF],
  ':': [COLON],
  ';': [SEMICOLON],
  '=': [EQUALS],
  '"': [QUOTE],
  '\\': [BACKSLASH],
} as const

function bytesWhere(isMember: (byte: number) => boolean): readonly number[] {
  return Array.from({ length: 256 }, (_, byte) => byte).filter(isMember)
}

/** What the reader does when it takes a row; see `ChunkedFraming`. */
export const EFFECT = {
  none: 0,
  /** Multiplies the size by 16 and adds the digit. */
  addDigit: 1,
  /** Counts a byte of the extensions, which are bounded. */
  countExtension: 2,
  /** The same for white space, which is also left out of what is forwarded. */
  leaveOutBlank: 3,
  /** Goes to the data, or after a size of 0 to the trailers. */
  endSizeLine: 4,
  /** The next chunk begins. */
  startChunk: 5,
  startTrailer: 6,
  addToName: 7,
  /** Decides by its name whether a trailer is forwarded, left out, or makes the body malformed. */
  endName: 8,
  endTrailer: 9,
} as const

type Effect = keyof typeof EFFECT

export interface Transition {
  readonly on: keyof typeof BYTES
  readonly to: ChunkStateName
  readonly effect?: Effect
  /**
   * RFC 9112 forbids senders this byte, but recipients must accept it: malformed in a request, accepted in a response.
   */
  readonly onlyInResponse?: true
}

const STATE_NAMES = [
  'size start',
  'size',
  'after size',
  'extension start',
  'extension name',
  'after extension name',
  'extension value start',
  'extension value',
  'quoted value',
  'quoted pair',
  'after extension value',
  'size LF',
  'data',
  'data CR',
  'data LF',
  'trailer start',
  'trailer name',
  'trailer value',
  'trailer LF',
  'end LF',
  'done',
] as const

export type ChunkStateName = (typeof STATE_NAMES)[number]

const BLANK = { on: 'space or tab', effect: 'leaveOutBlank', onlyInResponse: true } as const
const NEXT_EXTENSION = { on: ';', to: 'extension start', effect: 'countExtension' } as const
const END_OF_EXTENSIONS = { on: 'CR', to: 'size LF', effect: 'countExtension' } as const

/**
 * The chunked coding as a state machine: `chunked-body` of RFC 9112 section 7.1 with its extensions and trailers. The
 * first row that is for a byte is taken; a byte without a row makes the body malformed. In `data` as many bytes are
 * taken as the size says, whatever they are. Only CRLF ends a line, and a size is hex digits alone: servers read
 * everything else in different ways, which is how requests are smuggled. docs/http1.md is drawn from this table.
 */
export const CHUNK_STATES: Readonly<Record<ChunkStateName, readonly Transition[]>> = {
  'size start': [{ on: 'hex digit', to: 'size', effect: 'addDigit' }],
  size: [
    { on: 'hex digit', to: 'size', effect: 'addDigit' },
    { on: ';', to: 'extension start' },
    { on: 'CR', to: 'size LF' },
    { ...BLANK, to: 'after size' },
  ],
  'after size': [
    { on: ';', to: 'extension start' },
    { on: 'CR', to: 'size LF' },
    { ...BLANK, to: 'after size' },
  ],
  'extension start': [
    { on: 'token character', to: 'extension name', effect: 'countExtension' },
    { ...BLANK, to: 'extension start' },
  ],
  'extension name': [
    { on: 'token character', to: 'extension name', effect: 'countExtension' },
    { on: '=', to: 'extension value start', effect: 'countExtension' },
    NEXT_EXTENSION,
    END_OF_EXTENSIONS,
    { ...BLANK, to: 'after extension name' },
  ],
  'after extension name': [
    { on: '=', to: 'extension value start', effect: 'countExtension' },
    NEXT_EXTENSION,
    END_OF_EXTENSIONS,
    { ...BLANK, to: 'after extension name' },
  ],
  'extension value start': [
    { on: '"', to: 'quoted value', effect: 'countExtension' },
    { on: 'token character', to: 'extension value', effect: 'countExtension' },
    { ...BLANK, to: 'extension value start' },
  ],
  'extension value': [
    { on: 'token character', to: 'extension value', effect: 'countExtension' },
    NEXT_EXTENSION,
    END_OF_EXTENSIONS,
    { ...BLANK, to: 'after extension value' },
  ],
  'quoted value': [
    { on: '"', to: 'after extension value', effect: 'countExtension' },
    { on: '\\', to: 'quoted pair', effect: 'countExtension' },
    { on: 'visible character, space or tab', to: 'quoted value', effect: 'countExtension' },
  ],
  'quoted pair': [{ on: 'visible character, space or tab', to: 'quoted value', effect: 'countExtension' }],
  'after extension value': [NEXT_EXTENSION, END_OF_EXTENSIONS, { ...BLANK, to: 'after extension value' }],
  'size LF': [{ on: 'LF', to: 'data', effect: 'endSizeLine' }],
  data: [],
  'data CR': [{ on: 'CR', to: 'data LF' }],
  'data LF': [{ on: 'LF', to: 'size start', effect: 'startChunk' }],
  'trailer start': [
    { on: 'CR', to: 'end LF' },
    { on: 'field name character', to: 'trailer name', effect: 'startTrailer' },
  ],
  'trailer name': [
    { on: 'field name character', to: 'trailer name', effect: 'addToName' },
    { on: ':', to: 'trailer value', effect: 'endName' },
  ],
  'trailer value': [
    { on: 'CR', to: 'trailer LF' },
    { on: 'field value character', to: 'trailer value' },
  ],
  'trailer LF': [{ on: 'LF', to: 'trailer start', effect: 'endTrailer' }],
  'end LF': [{ on: 'LF', to: 'done' }],
  done: [],
}

/**
 * The number of a state in a compiled table: in the order of `STATE_NAMES`, in which all states of the trailers come
 * last.
 */
export function chunkState(name: ChunkStateName): number {
  return STATE_NAMES.indexOf(name)
}

/** What a compiled table has for a byte without a row. */
export const NO_TRANSITION = 0xffff

/**
 * Makes a look-up table of `CHUNK_STATES`: at `state * 256 + byte` stands the next state, plus 256 times the effect.
 * @param isResponse whether the rows that are accepted in a response alone are in it.
 */
export function compileChunkStates(isResponse: boolean): Uint16Array {
  const table = new Uint16Array(STATE_NAMES.length * 256).fill(NO_TRANSITION)
  for (const [state, name] of STATE_NAMES.entries())
    for (const { on, to, effect = 'none', onlyInResponse = false } of CHUNK_STATES[name].toReversed()) {
      if (onlyInResponse && !isResponse) continue
      const transition = chunkState(to) + 256 * EFFECT[effect]
      for (const byte of BYTES[on]) table[state * 256 + byte] = transition
    }
  return table
}
