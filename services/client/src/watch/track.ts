import type { Look } from './target.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** In a readable unit: `0.4 s`, `12 s`, `5 min`, `3 h`. */
export function formatDuration(ms: number): string {
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`
  if (ms < 2 * MINUTE) return `${Math.floor(ms / SECOND)} s`
  return ms < 2 * HOUR ? `${Math.floor(ms / MINUTE)} min` : `${Math.floor(ms / HOUR)} h`
}

/** History of one target since the watch began. */
export interface Track {
  readonly state: string
  /** Milliseconds since the epoch when that state began. */
  readonly since: number
  /** Latencies of the last responses, in milliseconds. */
  readonly recentMs: readonly number[]
  /** How often each failure was seen. */
  readonly errors: Readonly<Record<string, number>>
  readonly socket: string | null
  /** How many sockets were seen: 2 after the first restart or takeover; 0 if sockets are not visible. */
  readonly generation: number
}

export type News =
  | { readonly event: 'state'; readonly was?: string; readonly wasForMs?: number }
  /** Another socket, without a gap: a takeover, or a restart between two looks. */
  | { readonly event: 'replaced' }

const RECENT = 300

/** The track after one more look, and what changed. Pure: the caller passes the time. */
export function follow(track: Track | undefined, look: Look, now: number): { track: Track; news: News[] } {
  const socket = look.socket ?? track?.socket ?? null
  const isOther = socket !== null && socket !== track?.socket
  const stays = track?.state === look.state
  const next: Track = {
    state: look.state,
    since: stays ? track.since : now,
    recentMs:
      look.ms === null ? (track?.recentMs ?? []) : [...(track?.recentMs ?? []), look.ms].slice(-RECENT),
    errors: look.state === 'up' ? (track?.errors ?? {}) : countOne(track?.errors ?? {}, look.state),
    socket,
    generation: (track?.generation ?? 0) + (isOther ? 1 : 0),
  }
  const replaced =
    isOther && track != null && track.socket !== null && track.state === 'up' && look.state === 'up'
  return { track: next, news: [...(stays ? [] : [changed(track, now)]), ...(replaced ? [REPLACED] : [])] }
}

const REPLACED: News = { event: 'replaced' }

function changed(track: Track | undefined, now: number): News {
  return track === undefined
    ? { event: 'state' }
    : { event: 'state', was: track.state, wasForMs: now - track.since }
}

function countOne(errors: Track['errors'], code: string): Track['errors'] {
  return { ...errors, [code]: (errors[code] ?? 0) + 1 }
}
