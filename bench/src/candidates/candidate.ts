/** Something that stands between a TCP port and the upstream's socket. */
export interface Candidate {
  readonly name: string
  /** What a reader needs to know of how it is set up. */
  readonly note: string
  /** Whether it reads HTTP; one that passes bytes on can neither filter nor pool. */
  readonly layer: 'http' | 'bytes' | 'none'
  /** Null: there is nothing to start. */
  readonly program: ((where: Where) => Program) | null
}

export interface Where {
  /** 127.0.0.1 */
  readonly port: number
  /** The upstream's. */
  readonly socket: string
  /** For files of its own. */
  readonly directory: string
}

export interface Program {
  readonly command: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** To be written first: name in the directory → content. */
  readonly files?: Readonly<Record<string, string>>
}
