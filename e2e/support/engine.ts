import Docker from 'dockerode'

/** The Docker engine, as DOCKER_HOST says; default: its socket on this machine. */
export const engine = new Docker()
