import type { Candidate } from './candidate.ts'

export const socat: Candidate = {
  name: 'socat',
  note: 'fork: one process for each connection',
  layer: 'bytes',
  program: ({ port, socket }) => ({
    command: [
      'socat',
      '-lf/dev/null',
      `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork,backlog=4096,nodelay`,
      `UNIX-CONNECT:${socket}`,
    ],
  }),
}
