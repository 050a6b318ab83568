/** Exit codes of every program here, after sysexits(3). */
export const EXIT = {
  ok: 0,
  /** EX_USAGE: the command line itself is wrong. */
  usage: 64,
  /** EX_UNAVAILABLE: nothing answers at the endpoint. */
  notAnswering: 69,
  /** EX_SOFTWARE: a defect of ours. */
  internal: 70,
  /** EX_CANTCREAT: something that is not ours stands at the path. */
  cannotCreate: 73,
  /** EX_TEMPFAIL: somebody else owns the endpoint; trying later may help. */
  inUse: 75,
  /** EX_NOPERM: file permissions, a read-only mount or a foreign group. */
  denied: 77,
  /** EX_CONFIG: a setting or a mount is wrong. */
  badConfig: 78,
  /** What a shell reports of a program that SIGINT ended: 128 + 2. */
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
