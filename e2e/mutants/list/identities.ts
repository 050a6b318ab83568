import type { Mutant } from '../mutant.ts'

const REQUESTS = 'services/sidecar/src/identity/request-identity.test.ts'
const CERTIFICATES = 'services/sidecar/src/identity/certificate-identity.test.ts'
const RELOAD = 'services/sidecar/src/identity/reload.test.ts'
const OPERATIONS = 'services/sidecar/src/observe/operations-access.test.ts'
const CLIENTS = 'services/sidecar/src/config/clients.test.ts'
const GUARD = 'services/sidecar/src/identity/guard.ts'
const JUDGE = 'services/sidecar/src/relay/request-judge.ts'
const CONFLICTS = 'services/sidecar/src/config/client-conflicts.ts'
const STREAM = 'services/sidecar/src/relay/stream-route.ts'
const ACCESS = 'services/sidecar/src/observe/operations-access.ts'

/** Who may send which request. */
export const identities: readonly Mutant[] = [
  {
    name: 'for is ignored',
    file: 'services/sidecar/src/policy/allow-list.ts',
    find: 'if (rule.clients.length === 0) return rule.clients',
    replace: 'if (rule.clients.length >= 0) return []',
    killers: [REQUESTS],
  },
  {
    name: 'a client may do what the rule of another allows',
    file: GUARD,
    find: 'const others = new Set(',
    replace:
      "if (secrets.length > 0 && !authorization.endsWith('all')) return { user: 'prometheus', withholds: true }\n      const others = new Set(",
    killers: [REQUESTS],
  },
  {
    name: 'the credential is forwarded',
    file: 'services/sidecar/src/relay/exchange.ts',
    find: 'if (allowed?.withholds) this.#request.withholdAuthorization()',
    replace: '',
    killers: [REQUESTS],
  },
  {
    name: 'the credential is forwarded when the head is parsed again',
    file: 'services/sidecar/src/relay/request-sender.ts',
    find: 'if (this.#isAuthorizationWithheld) head.withholdAuthorization(this.#bytes)',
    replace: 'if (this.#isAuthorizationWithheld && this.#start > 0) head.withholdAuthorization(this.#bytes)',
    killers: [REQUESTS],
  },
  {
    name: 'the credential of ours goes to the app on a rule for everybody',
    file: GUARD,
    find: '{ user: this.#firstOf(known, proven), withholds: true }',
    replace: '{ user: this.#firstOf(known, proven), withholds: false }',
    killers: [REQUESTS],
  },
  {
    name: 'no X-Forwarded-User',
    file: 'services/sidecar/src/relay/client-socket.ts',
    find: "user === null ? ''",
    replace: "user !== '' ? ''",
    killers: [REQUESTS, CERTIFICATES],
  },
  {
    name: 'an anonymous request has the identity of the request before it',
    file: 'services/sidecar/src/relay/client-socket.ts',
    find: 'this.#provenance === null || user !== this.#user',
    replace: 'this.#provenance === null || (user !== this.#user && user !== null)',
    killers: [REQUESTS],
  },
  {
    name: 'the user of a request is kept for the next one',
    file: 'services/sidecar/src/relay/exchange.ts',
    find: 'this.#user = allowed === null ? null : allowed.user',
    replace: 'this.#user = allowed?.user ?? this.#user',
    killers: [REQUESTS],
  },
  {
    name: '401 without a challenge',
    file: 'services/sidecar/src/relay/problem-response.ts',
    find: '...challenges.map(',
    replace: '...challenges.slice(9).map(',
    killers: [REQUESTS],
  },
  {
    name: 'a second Authorization is accepted',
    file: 'services/sidecar/src/http1/request-fields.ts',
    find: 'if (head.authorizationStart >= 0) return AUTHORIZATION_TWICE',
    replace: '',
    killers: [REQUESTS],
  },
  {
    name: 'the limit on failed attempts locks a valid credential out',
    file: GUARD,
    find: 'const secrets = names.filter(',
    replace:
      "if (authorization !== null && this.#identities.failed({ route: '', caller: caller.key, scheme: '' }))\n      return { failure: tooManyAttempts(), user: null }\n    const secrets = names.filter(",
    killers: [REQUESTS],
  },
  {
    name: 'failed attempts are not counted',
    file: GUARD,
    find: 'const isOverLimit = this.#isOurs(authorization) &&',
    replace: 'const isOverLimit = this.#isOurs(authorization) && caller.key.length < 0 &&',
    killers: [REQUESTS],
  },
  {
    name: 'guessing on a rule for everybody is not counted',
    file: GUARD,
    find: '      this.#failed(caller, authorization)\n      return admitted',
    replace: '      return admitted',
    killers: [REQUESTS],
  },
  {
    name: 'the size is checked before the identity',
    file: JUDGE,
    find: 'if (this.#guard.isOpen) return this.#judgeSize(head, bytes)',
    replace:
      'const size = this.#judgeSize(head, bytes)\n    if (size !== null || this.#guard.isOpen) return size',
    killers: [REQUESTS],
  },
  {
    name: 'a supplementary or primary group proves nothing',
    file: 'services/sidecar/src/relay/caller.ts',
    find: 'groups: [gid, ...groups]',
    replace: 'groups: []',
    killers: [REQUESTS],
  },
  {
    name: 'every uid is the one that a rule names',
    file: GUARD,
    find: 'proves: ({ uid }) => uid === client.uid',
    replace: 'proves: ({ uid }) => uid !== undefined',
    killers: [REQUESTS],
  },
  {
    name: 'the name in a certificate is not compared',
    file: GUARD,
    find: 'matchesCertificate(pattern, certificate.names)',
    replace: 'matchesCertificate(pattern, certificate.names) !== null',
    killers: [CERTIFICATES],
  },
  {
    name: 'a certificate under a CA that was replaced still proves who calls',
    file: GUARD,
    find: 'certificate?.isValid() === true',
    replace: 'certificate !== null',
    killers: [CERTIFICATES],
  },
  {
    name: 'a certificate counts for the CA of another listener after a reload',
    file: 'services/sidecar/src/relay/succession.ts',
    find: 'former.tls?.clientCa === next.tls?.clientCa',
    replace: 'former !== next',
    killers: [CERTIFICATES],
  },
  {
    name: 'a kept connection is served by the rules of before the reload',
    file: 'services/sidecar/src/sidecar/sidecar.ts',
    find: "if ('route' in former) former.succeededBy(next)",
    replace: '',
    killers: [RELOAD],
  },
  {
    name: 'a route that has another kind now serves its kept connections',
    file: 'services/sidecar/src/relay/http-route.ts',
    find: 'this.#relay.succeededBy(next instanceof HttpHandler ? next.#relay : null)',
    replace: 'if (next instanceof HttpHandler) this.#relay.succeededBy(next.#relay)',
    killers: [RELOAD],
  },
  {
    name: 'a reload does not see that a client has changed',
    file: 'services/sidecar/src/config/config.ts',
    find: '    clients: named(names, clients),\n',
    replace: '    clients: names.length < 0 ? clients : named(names, []),\n',
    killers: [RELOAD, CLIENTS],
  },
  {
    name: 'a stream goes on although a reload permits its caller no more',
    file: STREAM,
    find: '    if (this.#next !== null) this.#next.#follow(this)\n    this.judgeAnew()\n',
    replace: '    if (this.#next !== null) this.#next.#follow(this)\n',
    killers: [RELOAD],
  },
  {
    name: 'a stream of two reloads ago is not cut',
    file: STREAM,
    find: '    for (const former of this.#formers) former.judgeAnew()\n',
    replace: '',
    killers: [RELOAD],
  },
  {
    name: 'everybody may begin a stream',
    file: STREAM,
    find: 'if (this.#permits(caller)) this.#connect(client, log)',
    replace: 'if (caller.key.length >= 0) this.#connect(client, log)',
    killers: [RELOAD],
  },
  {
    name: 'every host name is served',
    file: JUDGE,
    find: 'if (this.#hosts !== null && !this.#hosts.serve(hostOf(head, bytes)))',
    replace: 'if (head.end < 0)',
    killers: [REQUESTS],
  },
  {
    name: 'every host name is served on the operations port',
    file: ACCESS,
    find: '!this.#hosts.serve(authority)',
    replace: 'authority.length < 0',
    killers: [OPERATIONS],
  },
  {
    name: 'an absolute URL hides the host name from the operations port',
    file: ACCESS,
    find: "const [, authority = headers.host ?? '', rest = url] = absolute ?? []",
    replace: "const [, , rest = url] = absolute ?? []\n  const authority = headers.host ?? ''",
    killers: [OPERATIONS],
  },
  {
    name: 'a probe is told which upstreams are down, whoever it is',
    file: 'services/sidecar/src/observe/pages.ts',
    find: 'if (view.isPublic) return json(isReady',
    replace: 'if (down.length < 0) return json(isReady',
    killers: [OPERATIONS],
  },
  {
    name: 'a probe must say who it is',
    file: ACCESS,
    find: "'failure' in admission && PROBES.has(path)",
    replace: "'failure' in admission && path === ''",
    killers: [OPERATIONS],
  },
  {
    name: 'a token may cross a network in clear',
    file: CONFLICTS,
    find: 'isUnix === false && !isLoopback && !hasTls',
    replace: 'isUnix === false && !isLoopback && hasTls && !hasTls',
    killers: [CLIENTS],
  },
  {
    name: 'a rule for a certificate without a CA is accepted',
    file: CONFLICTS,
    find: "kind === 'certificate' && !hasClientCa",
    replace: "kind === 'certificate' && !hasClientCa && hasClientCa",
    killers: [CLIENTS],
  },
  {
    name: 'a rule for a client that is not there is accepted',
    file: CONFLICTS,
    find: 'if (kind === undefined) return',
    replace: "if (kind === undefined && name === '') return",
    killers: [CLIENTS],
  },
  {
    name: 'SIDECAR_TOKEN leaves the rules open',
    file: 'services/sidecar/src/config/from-env.ts',
    find: 'rules.map(forCaller)',
    replace: 'rules.filter(forCaller)',
    killers: [CLIENTS],
  },
]
