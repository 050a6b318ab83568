import type { Palette } from '../output/style.ts'
import { formatDuration } from './format-duration.ts'
import type { News } from './track.ts'
import type { Watched } from './watch.ts'

/** What is new of one target, one line each: for a log, or for a person who scrolls. */
export function newsLines(
  { name, endpoint, track, news }: Watched,
  time: string,
  colours: Palette,
): string[] {
  const { good, bad, faint, strong } = colours
  const state = track.state === 'up' ? good('up') : bad(track.state)
  return news.map(
    (one) => `${faint(time)} ${strong(name)} ${endpoint} ${state}${describe(one, track.generation)}`,
  )
}

/** The same as JSON: `{time, event, name, endpoint, state, generation, was?, wasForMs?}`. */
export function newsObjects({ name, endpoint, track, news }: Watched, time: string): object[] {
  const { state, generation } = track
  return news.map((one) => ({ time, name, endpoint, state, generation, ...one }))
}

function describe(news: News, generation: number): string {
  if (news.event === 'replaced') return `, another socket (generation ${generation}) without a gap`
  if (news.was === undefined) return ''
  return ` (was ${news.was} for ${formatDuration(news.wasForMs ?? 0)}${generation > 1 ? `, generation ${generation}` : ''})`
}
