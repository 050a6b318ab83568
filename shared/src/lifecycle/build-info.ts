export interface BuildInfo {
  readonly version: string
  readonly revision: string
}

/** What the image was built from (build arguments VERSION and REVISION); `dev` and `unknown` from a checkout. */
export function buildInfo(env: NodeJS.ProcessEnv): BuildInfo {
  return { version: env.VERSION || 'dev', revision: env.REVISION || 'unknown' }
}
