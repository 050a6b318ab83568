#!/usr/bin/env node
import { keepCompiledCode } from './cli/keep-compiled-code.ts'

keepCompiledCode(process.env)
const { runCommandLine } = await import('./cli/run-command-line.ts')

process.exitCode = await runCommandLine(process.argv.slice(2), process)
