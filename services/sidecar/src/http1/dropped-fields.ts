/** Request fields that are not forwarded, and why; the README shows this table. */
export interface DroppedFields {
  /** Field names. A name that ends with `*` is a prefix. */
  readonly names: readonly string[]
  readonly reason: string
}

/**
 * Every field that tells a server under which path it is mounted, who sends the request, or where it comes from. A
 * server that trusts its Unix socket believes these fields (gunicorn does by default), so a client that can send them
 * can get past the allow list.
 */
export const DROPPED_FIELDS: readonly DroppedFields[] = [
  {
    names: ['Forwarded', 'Forwarded-*', 'X-Forwarded', 'X-Forwarded-*'],
    reason:
      'where a request came from (RFC 7239), for whom, and under which prefix: the sidecar alone says so; the whole prefix, for servers and authenticating proxies add names such as `-User`, `-Groups`, `-Access-Token` and `-Client-Cert`',
  },
  {
    names: [
      'X-Real-IP',
      'X-Client-IP',
      'Client-IP',
      'X-Cluster-Client-IP',
      'X-ProxyUser-IP',
      'Proxy-Client-IP',
      'WL-Proxy-*',
      'True-Client-IP',
      'CF-Connecting-IP*',
      'CF-IPCountry',
      'CF-Visitor',
      'Fastly-Client-*',
      'Fastly-SSL',
      'X-Azure-ClientIP',
      'X-Azure-SocketIP',
      'Ali-CDN-Real-IP',
      'Cdn-Src-IP',
      'X-Appengine-*',
      'X-Envoy-*',
      'CloudFront-*',
      'X-Remote-*',
      'X-Real-*',
      'X-True-Client-IP',
      'X-Source-IP',
      'X-Originating-IP',
      'X-Client-Port',
      'Fly-Client-*',
      'DO-Connecting-IP',
      'X-NF-*',
      'Incap-*',
      'X-Sucuri-*',
      'X-Vercel-*',
      'CF-Pseudo-IPv4',
      'Remote-*',
    ],
    reason:
      'the address of the client, in the names of other proxies; `Remote-User`, `Remote-Groups` and `X-Remote-User` also say who asks',
  },
  {
    names: [
      'X-Auth-Request-*',
      'X-WebAuth-*',
      'X-Authenticated-*',
      'X-Auth-User*',
      'X-Auth-Groups',
      'X-Auth-Roles',
      'X-Auth-Email',
      'X-Auth-Subject',
      'X-Auth-Name',
      'X-Auth-Id',
      'X-User',
      'X-User-Id',
      'X-User-Name',
      'X-User-Email',
      'X-User-Groups',
      'X-User-Roles',
      'X-Username',
      'X-Userinfo',
      'X-Email',
      'X-Groups',
      'X-Roles',
      'X-Role',
      'X-User-Role',
      'X-Userid',
      'X-Grafana-User',
      'X-Proxy-*',
      'Proxy-User',
      'Proxy-Remote-User',
      'SM-*',
      'SMUser',
      'OIDC-*',
      'X-Endpoint-API-*',
      'X-Apigateway-Api-*',
      'X-JWT-*',
      'X-RH-Identity',
      'Impersonate-*',
      'X-Goog-Authenticated-*',
      'X-Goog-IAP-*',
      'CF-Access-*',
      'X-Amzn-Oidc-*',
      'X-Amzn-Mtls-*',
      'X-MS-Client-Principal*',
      'X-MS-Token-*',
      'X-Consumer-*',
      'X-Credential-*',
      'X-Anonymous-Consumer',
      'X-Authentik-*',
      'X-Pomerium-*',
      'X-Vouch-*',
      'Tailscale-*',
      'Auth-Type',
    ],
    reason: 'who asks, in the names that authenticating proxies and identity-aware load balancers use',
  },
  {
    names: [
      'Client-Cert*',
      'X-Client-Cert*',
      'X-Client-Verify*',
      'X-Client-DN',
      'X-Client-Subject*',
      'X-Client-Issuer*',
      'X-SSL*',
      'SSL-*',
      'X-TLS-*',
      'X-ARR-*',
      'X-Spiffe-*',
      'MS-ASPNETCORE-*',
    ],
    reason: 'the certificate of the client (RFC 9440) and what it proved, in the names of TLS terminators',
  },
  {
    names: [
      'X-Scheme',
      'X-Url-Scheme',
      'X-Proto',
      'X-Https',
      'Https',
      'Front-End-Https',
      'X-Host',
      'X-HTTP-Host*',
      'X-Server-Name',
      'Disguised-Host',
      'Was-Default-Hostname',
    ],
    reason: 'scheme and host of the URL as the client saw it',
  },
  {
    names: [
      'Script-*',
      'X-Script-*',
      'Path-Info',
      'X-Path-Info',
      'Path-Translated',
      'X-Ingress-Path',
      'X-Base-Path',
      'X-Base-Url',
      'X-Context-Path',
      'X-Replaced-Path',
      'X-Stripped-Prefix',
      'X-Prefix',
      'Base-Url',
    ],
    reason: 'where the app is mounted: a server takes that prefix off the path after the rule has seen it',
  },
  {
    names: [
      'X-Original-*',
      'X-Rewrite-*',
      'X-HTTP-Method*',
      'X-Method-Override',
      'X-HTTP-Path*',
      'X-Request-Uri',
      'X-Request-Path',
      'X-Override-URL',
      'X-Middleware-*',
      'X-Invoke-*',
      'X-Matched-Path',
      'X-Now-*',
      'X-Waws-*',
      'X-Method',
      'X-Url',
      'X-Uri',
      'Request-Uri',
      'Request-Method',
      'Query-String',
      'Document-Root',
      'Document-Uri',
      'Redirect-*',
      'Gateway-Interface',
      'Server-Name',
      'Server-Port',
      'Server-Protocol',
      'Server-Software',
    ],
    reason: 'another method or path than the rule has allowed, and the variables of CGI (RFC 3875)',
  },
  {
    names: ['X-Accel-*', 'X-Sendfile*', 'Proxy'],
    reason:
      'instructions of a proxy to its app: files to send, and `Proxy`, which becomes `HTTP_PROXY` in CGI (CVE-2016-5385)',
  },
]

/** What a request loses beside `DROPPED_FIELDS`, as rows of the same table. */
export const ALSO_DROPPED: readonly DroppedFields[] = [
  {
    names: ['names with anything but letters, digits and `-`'],
    reason:
      'servers fold other characters to `-` or `_` and then see a field that the sidecar did not; in the place of Content-Length or Transfer-Encoding such a name is a 400',
  },
]

/** The rows as a table in Markdown. */
export function droppedFieldsTable(): string {
  const rows = [
    ...DROPPED_FIELDS.map(({ names, reason }) => [names.map((name) => `\`${name}\``).join(', '), reason]),
    ...ALSO_DROPPED.map(({ names, reason }) => [names.join(', '), reason]),
  ]
  return ['| not forwarded | why |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`), ''].join(
    '\n',
  )
}
