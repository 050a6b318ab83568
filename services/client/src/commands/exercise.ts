import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { visibleIn, visibleJson } from '@uds-sidecar/shared/text/visible'
import { stackAccess } from '../access/access.ts'
import { STACK_ACCESS_OPTIONS } from '../access/access-options.ts'
import { type Context, defineCommand } from '../cli/command.ts'
import { oneOf, type Valued } from '../cli/options.ts'
import { lookAround, type Outcome, runCheck } from '../exercise/check.ts'
import { report, tally } from '../exercise/report.ts'
import { allRows } from '../exercise/rows/all-rows.ts'
import { palette } from '../output/text.ts'

const EXPECT_REDIS_OPTION = {
  kind: 'value',
  placeholder: 'up|down',
  summary: 'whether Redis should be up',
  ...oneOf(['up', 'down']),
  fallback: 'up',
} as const satisfies Valued<'up' | 'down'>

export const command = defineCommand({
  name: 'exercise',
  summary: 'check the whole stack: what must work, what must be refused',
  positionals: '',
  maxPositionals: 0,
  options: { 'expect-redis': EXPECT_REDIS_OPTION, ...STACK_ACCESS_OPTIONS },
  examples: [
    ['client exercise', 'exit 0 if every row is as expected, 69 if one differs'],
    ['client exercise --expect-redis down', 'the same while Redis is stopped on purpose'],
    ['client exercise --cacert ca.crt --tls-for metrics', 'where the port of the metrics speaks TLS'],
  ],
  jsonShape:
    '{"checks": [{row, what, endpoint?, expected, observed, result: ok | differs | not shown}], "tally": {...}}',
  async run({ values }, context) {
    const access = await stackAccess(values, context.config)
    const checks = allRows(await lookAround(context.config, values['expect-redis'], access))
    const outcomes: Outcome[] = []
    for (const check of checks) outcomes.push(await runCheck(check))
    return show(outcomes, context)
  },
})

function show(outcomes: readonly Outcome[], { json, stdout, env }: Context): number {
  const counts = tally(outcomes)
  stdout.write(
    json
      ? `${visibleJson({ checks: outcomes, tally: counts })}\n`
      : report(visibleIn(outcomes), palette(stdout, env)),
  )
  return counts.differs === 0 ? EXIT.ok : EXIT.notAnswering
}
