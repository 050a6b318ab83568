import { merged } from '../result.ts'
import type { RunResult } from '../run.ts'
import { describePayload } from './describe-payload.ts'
import { PANEL, panel } from './svg-panel.ts'

/** The latency distribution of every run, one plot below the other; readable on light and dark ground. */
export function svg(results: readonly RunResult[]): string {
  const height = PANEL.height * results.length
  const panels = results.map(
    (result, i) => `<g transform="translate(0 ${i * PANEL.height})">\n${plot(result)}\n</g>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${PANEL.width} ${height}" width="${PANEL.width}" height="${height}" role="img">
<title>Latency by percentile: Unix socket, loopback TCP and sidecar</title>
<style>${STYLE}</style>
${panels.join('\n')}
</svg>
`
}

function plot({ settings, targets, measurements }: RunResult): string {
  const { connections, ratePerSecond } = settings
  const pace = ratePerSecond === null ? 'closed loop' : `${ratePerSecond} requests/s`
  const title = `${describePayload(settings)}, ${connections} connection(s), ${pace}`
  const curves = targets.map(({ name }) => ({ name, latencies: merged(measurements.get(name) ?? []) }))
  return panel(title, curves)
}

const STYLE = `
svg { background: #fff } text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: bold }
.faint { fill: #6e7781 } line { stroke: #d0d7de; stroke-width: .5 }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round }
.socket { stroke: #1a7f37 } .tcp { stroke: #0969da } .sidecar { stroke: #bc4c00 }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117 } text { fill: #e6edf3 } .faint { fill: #8b949e } line { stroke: #30363d }
  .socket { stroke: #3fb950 } .tcp { stroke: #58a6ff } .sidecar { stroke: #db6d28 }
}
`
