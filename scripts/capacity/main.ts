import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { parseArguments, USAGE } from './arguments.ts'
import { capacityOf, formatCapacity } from './capacity.ts'
import { readMeasured } from './measured.ts'

/** Prints what sidecars cost and where the first limit is, from the figures of `bench/results`: see docs/capacity.md. */
const given = parseArguments(process.argv.slice(2))
if (typeof given === 'string') {
  process.stderr.write(`capacity: ${given}\n`)
  process.exitCode = EXIT.usage
} else if (given.help) process.stdout.write(USAGE)
else {
  const measured = readMeasured()
  const capacity = capacityOf(given.fleet, measured)
  process.stdout.write(
    given.json
      ? `${JSON.stringify({ fleet: given.fleet, measured, ...capacity }, null, 2)}\n`
      : formatCapacity(capacity),
  )
}
