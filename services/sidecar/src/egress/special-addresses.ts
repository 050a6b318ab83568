/**
 * The special-purpose address registries of IANA for IPv4 and IPv6 (RFC 6890, RFC 8190), with the blocks of multicast,
 * as last updated on 2025-10-09: https://www.iana.org/assignments/iana-ipv4-special-registry and
 * iana-ipv6-special-registry. Where blocks overlap, the longest one counts; an entry inside a block of the same kind is
 * not repeated. IPv6 outside 2000::/3 is not allocated as global unicast.
 *
 * Two differences. ORCHIDv2 and DRIP tags are called globally reachable there, and are refused here: they are names of
 * hosts in the form of addresses, which nobody routes to. Addresses that embed IPv4 are not in this table, see
 * `embeddedIPv4`.
 */

export type AddressKind =
  | 'global'
  | 'this network'
  | 'loopback'
  | 'link-local'
  | 'private'
  | 'shared'
  | 'multicast'
  | 'reserved'
  | 'documentation'
  | 'benchmarking'
  | 'protocol assignment'

/** A block, what it is for, its name in the registry and where it is defined. */
export type SpecialBlock = readonly [block: string, kind: AddressKind, name: string]

export const SPECIAL_IPV4: readonly SpecialBlock[] = [
  ['0.0.0.0/8', 'this network', '"This network", RFC 791'],
  ['10.0.0.0/8', 'private', 'Private-Use, RFC 1918'],
  ['100.64.0.0/10', 'shared', 'Shared Address Space, RFC 6598'],
  ['127.0.0.0/8', 'loopback', 'Loopback, RFC 1122'],
  ['169.254.0.0/16', 'link-local', 'Link Local, RFC 3927'],
  ['172.16.0.0/12', 'private', 'Private-Use, RFC 1918'],
  ['192.0.0.0/24', 'protocol assignment', 'IETF Protocol Assignments, RFC 6890'],
  ['192.0.0.9/32', 'global', 'Port Control Protocol Anycast, RFC 7723'],
  ['192.0.0.10/32', 'global', 'Traversal Using Relays around NAT Anycast, RFC 8155'],
  ['192.0.2.0/24', 'documentation', 'Documentation (TEST-NET-1), RFC 5737'],
  ['192.31.196.0/24', 'global', 'AS112-v4, RFC 7535'],
  ['192.52.193.0/24', 'global', 'AMT, RFC 7450'],
  ['192.88.99.0/24', 'reserved', 'Deprecated (6to4 Relay Anycast), RFC 7526'],
  ['192.168.0.0/16', 'private', 'Private-Use, RFC 1918'],
  ['192.175.48.0/24', 'global', 'Direct Delegation AS112 Service, RFC 7534'],
  ['198.18.0.0/15', 'benchmarking', 'Benchmarking, RFC 2544'],
  ['198.51.100.0/24', 'documentation', 'Documentation (TEST-NET-2), RFC 5737'],
  ['203.0.113.0/24', 'documentation', 'Documentation (TEST-NET-3), RFC 5737'],
  ['224.0.0.0/4', 'multicast', 'Multicast, RFC 5771'],
  ['240.0.0.0/4', 'reserved', 'Reserved, RFC 1112; with Limited Broadcast, RFC 919'],
]

export const SPECIAL_IPV6: readonly SpecialBlock[] = [
  ['::/0', 'reserved', 'Reserved by IETF, RFC 4291'],
  ['::/128', 'this network', 'Unspecified Address, RFC 4291'],
  ['::1/128', 'loopback', 'Loopback Address, RFC 4291'],
  ['100::/64', 'reserved', 'Discard-Only Address Block, RFC 6666'],
  ['100:0:0:1::/64', 'reserved', 'Dummy IPv6 Prefix, RFC 9780'],
  ['2000::/3', 'global', 'Global Unicast, RFC 4291'],
  ['2001::/23', 'protocol assignment', 'IETF Protocol Assignments, RFC 2928'],
  ['2001:1::1/128', 'global', 'Port Control Protocol Anycast, RFC 7723'],
  ['2001:1::2/128', 'global', 'Traversal Using Relays around NAT Anycast, RFC 8155'],
  ['2001:1::3/128', 'global', 'DNS-SD Service Registration Protocol Anycast, RFC 9665'],
  ['2001:2::/48', 'benchmarking', 'Benchmarking, RFC 5180'],
  ['2001:3::/32', 'global', 'AMT, RFC 7450'],
  ['2001:4:112::/48', 'global', 'AS112-v6, RFC 7535'],
  ['2001:10::/28', 'reserved', 'Deprecated (previously ORCHID), RFC 4843'],
  ['2001:20::/28', 'reserved', 'ORCHIDv2, RFC 7343'],
  ['2001:30::/28', 'reserved', 'Drone Remote ID Protocol Entity Tags (DETs), RFC 9374'],
  ['2001:db8::/32', 'documentation', 'Documentation, RFC 3849'],
  ['2620:4f:8000::/48', 'global', 'Direct Delegation AS112 Service, RFC 7534'],
  ['3fff::/20', 'documentation', 'Documentation, RFC 9637'],
  ['5f00::/16', 'reserved', 'Segment Routing (SRv6) SIDs, RFC 9602'],
  ['fc00::/7', 'private', 'Unique-Local, RFC 4193'],
  ['fe80::/10', 'link-local', 'Link-Local Unicast, RFC 4291'],
  ['fec0::/10', 'reserved', 'Site-Local Unicast, deprecated by RFC 3879'],
  ['ff00::/8', 'multicast', 'Multicast, RFC 4291'],
]

/** Where clouds serve the metadata of a machine to it, often with credentials. */
export const METADATA: readonly string[] = [
  '169.254.169.254', // AWS, Google, Azure, Oracle and most others
  'fd00:ec2::254', // AWS
  '169.254.170.2', // AWS ECS tasks
  '169.254.170.23', // AWS EKS Pod Identity
  'fd00:ec2::23',
  '168.63.129.16', // Azure WireServer
  '100.100.100.200', // Alibaba
  '192.0.0.192', // Oracle Cloud Classic
  'fd20:ce::254', // Google
  'fd00:42::42', // Scaleway
  'fe80::a9fe:a9fe', // OpenStack
  '169.254.0.23', // Tencent
]
