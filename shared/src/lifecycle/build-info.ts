export interface BuildInfo {
  readonly version: string
  readonly revision: string
}

/** The version and revision that the image was built from (build arguments VERSION and REVISION). Default `dev` and `unknown`. */
export function buildInfo(env: NodeJS.ProcessEnv): BuildInfo {
  return { version: env.VERSION || 'dev', revision: env.REVISION || 'unknown' }
}
