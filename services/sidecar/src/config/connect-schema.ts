import * as v from 'valibot'
import { parseBlock } from '../egress/address-bytes.ts'
import { uselessEntry } from '../egress/addresses.ts'
import {
  CONNECT_GRAMMAR,
  CONNECT_RULE_PATTERN,
  type ConnectRule,
  parseConnectRule,
} from '../egress/host-name.ts'

/** One rule of `allow` of a route with `kind: connect`. */
export const connectRule = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, ConnectRule>(({ dataset, addIssue, NEVER }) => {
    const rule = typeof dataset.value === 'string' ? parseConnectRule(dataset.value) : undefined
    if (rule !== undefined) return rule
    addIssue({ message: CONNECT_GRAMMAR })
    return NEVER
  }),
  v.metadata({
    json: { type: 'string', pattern: CONNECT_RULE_PATTERN.source, description: `Each ${CONNECT_GRAMMAR}.` },
  }),
)

const SNI = 'may be required or any'

/** Whether the first bytes of a tunnel are checked. */
export const sni = v.optional(
  v.pipe(
    v.picklist(['required', 'any'], SNI),
    v.metadata({
      json: {
        enum: ['required', 'any'],
        description:
          'Whether a tunnel must begin with a TLS ClientHello that asks for the host of the CONNECT; any: bytes are not looked at.',
      },
    }),
  ),
  'required',
)

const BLOCK =
  'may be a block of addresses, such as 10.20.0.0/16, fd00:20::/32 or 10.20.0.7/32, without bits after its prefix'
const BLOCKS = 'may be a list of blocks of addresses, such as [10.20.0.0/16]'
const BLOCK_PATTERN = /^[0-9a-fA-F:.]+\/[0-9]{1,3}$/

const addressBlock = v.pipe(
  v.string(BLOCK),
  v.rawCheck(({ dataset, addIssue }) => {
    const block = typeof dataset.value === 'string' ? parseBlock(dataset.value) : undefined
    const mistake = block === undefined ? BLOCK : uselessEntry(`${dataset.value}`)
    if (mistake !== undefined) addIssue({ message: mistake })
  }),
  v.metadata({ json: { type: 'string', pattern: BLOCK_PATTERN.source, description: `Each ${BLOCK}.` } }),
)

/** Addresses that a route may dial although they are not globally reachable. */
export const allowAddresses = v.optional(v.array(addressBlock, BLOCKS), [])

/**
 * The same for a route with an upstream on TCP. Whoever configures the upstream may name any address, but what a name
 * resolves to is decided by somebody else.
 */
export const allowUpstreamAddresses = v.optional(v.array(addressBlock, BLOCKS))
