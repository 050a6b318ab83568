import type { Mutant } from '../mutant.ts'

/** How a socket comes to its path. */
export const binding: readonly Mutant[] = [
  {
    name: 'chmod after the socket is published',
    file: 'shared/src/bind/publish.ts',
    find: `    await giveRights(staged, path, options)
    const { dev, ino } = identityOf(await lstat(staged, { bigint: true }))
    await rename(staged, path).catch(async (cause) => {`,
    replace: `    const { dev, ino } = identityOf(await lstat(staged, { bigint: true }))
    const right = async () => giveRights(path, path, options)
    await rename(staged, path).then(right, async (cause) => {`,
    killers: ['e2e/an-intruder-never-gets-in.test.ts'],
  },
  {
    name: 'no lock',
    file: 'shared/src/bind/kernel-lock.ts',
    find: 'if (status === HELD_BY_ANOTHER) return false',
    replace: 'if (status === HELD_BY_ANOTHER) return true',
    killers: ['e2e/a-start-in-progress-is-not-disturbed.test.ts'],
  },
  {
    name: 'nobody is asked whether he lives',
    file: 'shared/src/bind/incumbent.ts',
    find: "    await hangUp(await dial({ kind: 'unix', path }))\n    return true",
    replace: "    await hangUp(await dial({ kind: 'unix', path }))\n    return false",
    killers: ['e2e/a-second-instance-is-refused.test.ts'],
  },
  {
    name: 'a full backlog counts as stale',
    file: 'shared/src/bind/incumbent.ts',
    find: "return error.code !== 'socket_stale' && error.code !== 'socket_missing'",
    replace: "return error.code === 'upstream_timeout'",
    killers: ['e2e/a-second-instance-is-refused.test.ts'],
  },
  {
    name: 'whatever stands at the path is replaced',
    file: 'shared/src/bind/incumbent.ts',
    find: 'if (!stats.isSocket()) throw await occupied(path, fileKind(stats))',
    replace: 'if (!stats.isSocket()) return',
    killers: ['e2e/only-a-socket-is-replaced.test.ts'],
  },
  {
    name: 'crashed starts are not swept',
    file: 'shared/src/bind/bound-path.ts',
    find: '  await sweepStaging(path)\n',
    replace: '',
    killers: ['e2e/a-crash-while-binding-leaves-nothing.test.ts'],
  },
  {
    name: 'unlink blindly at the end',
    file: 'shared/src/bind/bound-path.ts',
    find: "if ((await this.look()) === 'ours') await unlink(this.path)",
    replace: 'await unlink(this.path)',
    killers: ['e2e/a-late-shutdown-leaves-the-new-socket.test.ts'],
  },
  {
    name: 'the socket stays at the end',
    file: 'shared/src/bind/bound-path.ts',
    find: "if ((await this.look()) === 'ours') await unlink(this.path)",
    replace: '',
    killers: ['e2e/sigterm-drains.test.ts'],
  },
  {
    name: 'a foreign group is let pass',
    file: 'shared/src/bind/publish.ts',
    find: '      throw groupDenied(path, wanted, cause)',
    replace: '      void groupDenied(path, wanted, cause)',
    killers: ['e2e/a-foreign-group-is-refused.test.ts'],
  },
  {
    name: 'a world-writable directory is taken',
    file: 'shared/src/bind/directory.ts',
    find: 'if (stats.mode & OTHERS_WRITE && !(stats.mode & STICKY)) throw unsafe(directory, stats)',
    replace: 'void unsafe',
    killers: ['e2e/unsafe-directories-are-refused.test.ts'],
  },
  {
    name: 'the staging path may be too long',
    file: 'shared/src/bind/bound-path.ts',
    find: "    checkBytes(stagedSocket(newStagingDirectory(path)), 'staging path')\n",
    replace: '',
    killers: ['e2e/paths-have-a-limit.test.ts'],
  },
  {
    name: 'characters are counted, not bytes',
    file: 'shared/src/endpoint/endpoint.ts',
    find: 'const bytes = Buffer.byteLength(path)',
    replace: 'const bytes = path.length',
    killers: ['shared/src/endpoint/parse-endpoint.test.ts'],
  },
  {
    name: 'sockets for everybody',
    file: 'shared/src/listen/listen-options.ts',
    find: 'export const DEFAULT_MODE = 0o660',
    replace: 'export const DEFAULT_MODE = 0o666',
    killers: ['e2e/sockets-carry-owner-group-mode.test.ts'],
  },
  {
    name: 'a socket that denies us is called in use',
    file: 'shared/src/bind/incumbent.ts',
    find: "if (error.code === 'socket_denied') return await isProvenLive(path, stats, error)",
    replace: "if (error.code === 'socket_denied') return true",
    killers: ['shared/src/listen/listen.refusal.test.ts'],
  },
  {
    name: 'a socket that denies us is taken for dead',
    file: 'shared/src/bind/incumbent.ts',
    find: "if (error.code === 'socket_denied') return await isProvenLive(path, stats, error)",
    replace: "if (error.code === 'socket_denied') return false",
    killers: ['shared/src/listen/listen.refusal.test.ts'],
  },
  {
    name: 'who waits for the lock says nothing',
    file: 'shared/src/bind/kernel-lock.ts',
    find: '    telling = tell()\n',
    replace: '    void tell\n',
    killers: ['shared/src/listen/listen.lock-wait.test.ts'],
  },
  {
    name: 'a volume without inodes is to grow in size',
    file: 'shared/src/listen/listen-failure.ts',
    find: 'const inodes = files > 0 && ffree <= INODES_OF_A_START',
    replace: 'const inodes = files > 0 && ffree < 0',
    killers: ['shared/test-as-root/mounts.test.ts'],
  },
  {
    name: 'a mount at the path has no hint of its own',
    file: 'shared/src/listen/listen-failure.ts',
    find: "  EBUSY: ['io_error', 'a mount stands at its path', HINTS.mountDirectory],\n",
    replace: '',
    killers: ['shared/src/listen/listen-failure.test.ts'],
  },
]
