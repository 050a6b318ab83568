import type { Mutant } from '../mutant.ts'

/** How a listener, and a program, come to an end. */
export const ending: readonly Mutant[] = [
  {
    name: 'no drain',
    file: 'shared/src/listen/listener.ts',
    find: 'this.#parts.connections.drain(this.#parts.drainMs)',
    replace: 'this.#parts.connections.drain(0)',
    killers: ['e2e/sigterm-drains.test.ts'],
  },
  {
    name: 'no grace after a takeover',
    file: 'shared/src/listen/listener.ts',
    find: "if (reason === 'replaced') return pause(GRACE_MS)",
    replace: "if (reason === 'replaced') return",
    killers: ['shared/src/listen/listen.takeover.test.ts'],
  },
  {
    name: 'less grace after a takeover',
    file: 'shared/src/listen/listener.ts',
    find: 'const GRACE_MS = 300',
    replace: 'const GRACE_MS = 200',
    killers: ['shared/src/listen/listen.takeover.test.ts'],
  },
  {
    name: 'no drain beyond what is on its way',
    file: 'shared/src/listen/listener.ts',
    find: 'const cut = await this.#parts.connections.drain(this.#parts.drainMs)',
    replace: 'const cut = await this.#parts.connections.drain(Math.min(this.#parts.drainMs, GRACE_MS / 2))',
    killers: ['services/app/src/main.test.ts'],
  },
  {
    name: 'a takeover goes unnoticed',
    file: 'shared/src/listen/listener.ts',
    find: "if (sight === 'replaced') this.#replaced()\n      else if",
    replace: 'if',
    killers: ['e2e/a-takeover-fails-no-request.test.ts'],
  },
  {
    name: 'a deleted socket goes unnoticed',
    file: 'shared/src/listen/listener.ts',
    find: "else if (sight === 'missing') await this.#republish(bound)",
    replace: '',
    killers: ['e2e/the-sidecar-recovers-by-itself.test.ts'],
  },
  {
    name: 'the last responses of a drain keep their connection',
    file: 'shared/src/listen/http-responses.ts',
    find: '    if (this.#closing) askForAnother(response)\n',
    replace: '',
    killers: ['shared/src/listen/listen.takeover.test.ts'],
  },
  {
    name: 'a refused start exits with 0',
    file: 'shared/src/lifecycle/run-main.ts',
    find: 'process.exitCode = error instanceof CodedError ? error.exitCode : EXIT.internal',
    replace: 'process.exitCode = EXIT.ok',
    killers: ['shared/src/lifecycle/run-main.test.ts'],
  },
  {
    name: 'SIGTERM is ignored',
    file: 'shared/src/lifecycle/run-main.ts',
    find: "for (const name of ['SIGTERM', 'SIGINT'] as const)",
    replace: "for (const name of ['SIGINT'] as const)",
    killers: ['services/app/src/main.test.ts'],
  },
  {
    name: 'a SIGTERM that comes while the sidecar starts is lost',
    file: 'services/sidecar/src/main.ts',
    find: '  if (stop.aborted) return // a signal came during the start\n',
    replace: '',
    killers: ['services/sidecar/src/main.test.ts'],
  },
  {
    name: 'a full disk under the log ends the program',
    file: 'shared/src/lifecycle/log.ts',
    find: 'return pino(options, output)',
    replace: 'void output\n  return pino(options)',
    killers: ['shared/src/lifecycle/log.test.ts'],
  },
  {
    name: 'a SIGHUP that comes while the sidecar starts is lost',
    file: 'services/sidecar/src/sidecar/reload-on-hangup.ts',
    find: 'if (isAsked) reloadAll(sidecar)',
    replace: '',
    killers: ['services/sidecar/src/main.test.ts'],
  },
]
