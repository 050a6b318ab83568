/** The sockets that the sidecar relays, as app and sidecar mount them: metrics, api and echo. */
export const RELAYED_SOCKETS = [
  '/run/app/metrics/metrics.sock',
  '/run/app/api/api.sock',
  '/run/app/api/echo.sock',
] as const
