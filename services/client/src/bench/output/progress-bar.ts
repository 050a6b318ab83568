import type { Output } from '../../cli/streams.ts'
import { clip } from '../../output/clip.ts'
import type { Progress } from '../run.ts'
import { describePayload } from './describe-payload.ts'

const WIDTH = 30
const CLEAR_LINE = '\r\u001b[K'

/** A bar on a terminal, nothing elsewhere; `runs` and `targets` tell how much there is to do. */
export class ProgressBar implements Disposable {
  readonly #output: Output
  readonly #steps: number
  #done = 0

  constructor(output: Output, steps: number) {
    this.#output = output
    this.#steps = steps
  }

  show({ settings, round, target }: Progress): void {
    if (!this.#output.isTTY) return
    const full = Math.round((this.#done++ / this.#steps) * WIDTH)
    const bar = `[${'█'.repeat(full)}${' '.repeat(WIDTH - full)}]`
    const what = round === 0 ? 'warm-up' : `round ${round} of ${settings.rounds}`
    const text = `${bar} ${describePayload(settings)}: ${what}, ${target}`
    this.#output.write(`${CLEAR_LINE}${clip(text, this.#output.columns ?? 80)}`)
  }

  [Symbol.dispose](): void {
    if (this.#output.isTTY) this.#output.write(CLEAR_LINE)
  }
}
