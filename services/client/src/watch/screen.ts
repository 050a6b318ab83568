import type { Output } from '../cli/streams.ts'
import { clip } from '../output/clip.ts'

const UP_AND_CLEAR = (lines: number) => `\u001b[${lines}A\u001b[J`

/** A part of a terminal that is drawn again and again in place; what was drawn last stays when it ends. */
export class Screen {
  readonly #stdout: Output
  #drawn = 0

  constructor(stdout: Output) {
    this.#stdout = stdout
  }

  draw(text: string): void {
    const lines = text.split('\n').map((line) => clip(line, this.#stdout.columns ?? 80))
    const clear = this.#drawn === 0 ? '' : UP_AND_CLEAR(this.#drawn)
    this.#stdout.write(`${clear}${lines.join('\n')}\n`)
    this.#drawn = lines.length
  }
}
