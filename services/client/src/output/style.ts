import { styleText } from 'node:util'
import type { Output } from '../cli/streams.ts'

export type Style = (text: string) => string

export interface Palette {
  readonly good: Style
  readonly bad: Style
  readonly faint: Style
  readonly strong: Style
}

/** Colours for a terminal; elsewhere, and with NO_COLOR set (no-color.org), the text as it is. */
export function palette(stream: Output, env: NodeJS.ProcessEnv): Palette {
  const coloured = stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
  const style = (format: Parameters<typeof styleText>[0]): Style =>
    coloured
      ? (text) => (text === '' ? '' : styleText(format, text, { validateStream: false }))
      : (text) => text
  return { good: style('green'), bad: style(['bold', 'red']), faint: style('dim'), strong: style('bold') }
}
