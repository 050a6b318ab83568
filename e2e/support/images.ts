export type ImageName = 'app' | 'sidecar' | 'client' | 'redis' | 'prometheus'

/** The image that compose.yaml names. `make images` builds it: nothing is built or pulled here. */
export function image(name: ImageName): string {
  return `uds-sidecar/${name}:${process.env.UDS_SIDECAR_VERSION || 'dev'}`
}
