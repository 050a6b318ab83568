/** A place to listen on or to dial: the same code works with all three. */
export type Endpoint = UnixEndpoint | AbstractEndpoint | TcpEndpoint

/** A socket file; file permissions say who may connect. */
export interface UnixEndpoint {
  readonly kind: 'unix'
  /** Absolute, at most {@link MAX_PATH_BYTES} bytes. */
  readonly path: string
}

/** A name without a file (Linux, unix(7)): one per network namespace, no permissions. */
export interface AbstractEndpoint {
  readonly kind: 'abstract'
  readonly name: string
}

export interface TcpEndpoint {
  readonly kind: 'tcp'
  readonly host: string
  /** 0 to 65535; 0 lets the kernel choose when listening. */
  readonly port: number
}

/**
 * Bytes of a socket path, without the terminating NUL: `sun_path` has 108 on Linux (unix(7)) and 104 on macOS.
 * Node itself accepts one more on Linux, which other programs then cannot dial.
 */
export const MAX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107
