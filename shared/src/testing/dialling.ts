import { dial } from '../dial/dial.ts'
import { parseEndpoint } from '../endpoint/endpoint.ts'
import type { Failure } from '../failure/failure.ts'

/** A process that dials: `node dialling.ts ENDPOINT`; tells `connected`, or the code and errno of the failure. */
process.send?.(
  await dial(parseEndpoint(process.argv[2] ?? '')).then(
    (socket) => {
      socket.destroy()
      return 'connected'
    },
    ({ code, errno }: Failure) => ({ code, errno }),
  ),
)
