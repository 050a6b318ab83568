import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { exposition, idle, largeBody, routes, slowClients } from './sections/growth.ts'
import { preface } from './sections/preface.ts'
import { proxies } from './sections/proxies.ts'
import { restart } from './sections/restart.ts'
import { socketOrTcp } from './sections/socket-or-tcp.ts'
import { startUp } from './sections/start-up.ts'
import { verdicts } from './sections/verdicts.ts'

const DOCS = fileURLToPath(new URL('../../../docs/', import.meta.url))
const METHOD = proseOf('method.md')
const IN_VAIN = proseOf('what-did-not-help.md')

const HEAD = `# Benchmarks

Written by \`make bench\` from the figures in \`bench/results\`: change nothing here by hand.`

/** Writes docs/benchmarks.md and its charts from what the suites left in bench/results. */
const rest = [startUp(), socketOrTcp(), idle(), slowClients(), largeBody(), routes(), exposition(), restart()]
const sections = [verdicts(), preface(), ...proxies(), ...rest].filter((one) => one !== null)
mkdirSync(`${DOCS}benchmarks`, { recursive: true })
for (const { charts } of sections)
  for (const [file, svg] of Object.entries(charts)) writeFileSync(`${DOCS}benchmarks/${file}`, svg)
const [first = '', ...others] = sections.map(({ text }) => text)
writeFileSync(`${DOCS}benchmarks.md`, `${[HEAD, first, METHOD, ...others, IN_VAIN].join('\n\n')}\n`)

function proseOf(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8').trim()
}
