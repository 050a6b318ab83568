import { sweep } from './sweep.ts'

// `npm run sweep`: for what is left of runs that were killed and could not clean up.
await sweep()
