#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Caches compiled code in the user's cache directory, which halves the time of later starts. Not in the temporary
 * directory, Node's own default: another user could put code there for us to run. If the directory is not writable, Node
 * starts without a cache. NODE_COMPILE_CACHE takes precedence; NODE_DISABLE_COMPILE_CACHE=1 turns this off.
 */
const cache = process.env.XDG_CACHE_HOME || cacheOfUser()
if (cache !== undefined) enableCompileCache(join(cache, 'uds-sidecar'))
const { runCommandLine } = await import('./cli/run-command-line.ts')

process.exitCode = await runCommandLine(process.argv.slice(2), process)

/** Undefined for a uid without an entry in /etc/passwd, as in a container, when HOME is not set either. */
function cacheOfUser(): string | undefined {
  try {
    return join(homedir(), '.cache')
  } catch {
    return undefined
  }
}
