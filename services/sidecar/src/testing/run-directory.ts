/** For bench/guard, which knows it by this name. */
export { tempDirectory as runDirectory } from '@uds-sidecar/shared/testing/files'
