import { errnoOf } from '@uds-sidecar/shared/failure/failure'

/** Whether any process of the group that `leader` began is still there (kill(2) with signal 0). */
export function isGroupAlive(leader: number | undefined): boolean {
  if (leader === undefined) return false
  try {
    process.kill(-leader, 0)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false
    throw error
  }
}
