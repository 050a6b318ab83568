import type { Mutant } from '../mutant.ts'

const HARDENED = 'e2e/containers-are-hardened.test.ts'
const IMAGES = 'e2e/images-have-nothing-to-run-but-node.test.ts'

/** compose.yaml and what it configures, and the images. */
export const stack: readonly Mutant[] = [
  {
    name: 'capabilities are kept',
    file: 'compose.yaml',
    find: '  cap_drop: [ALL]\n',
    replace: '',
    killers: [HARDENED],
  },
  {
    name: 'the sidecar may write to the socket volumes',
    file: 'compose.yaml',
    find: `    configs: [{ source: sidecar, target: /etc/sidecar/sidecar.yaml }]
    volumes:
      - metrics-socket:/run/app/metrics:ro`,
    replace: `    configs: [{ source: sidecar, target: /etc/sidecar/sidecar.yaml }]
    volumes:
      - metrics-socket:/run/app/metrics`,
    killers: [HARDENED],
  },
  {
    name: 'the app is on the network',
    file: 'compose.yaml',
    find: '    network_mode: none\n    restart:',
    replace: '    networks: [edge]\n    restart:',
    killers: ['e2e/app-and-redis-have-no-network.test.ts'],
  },
  {
    name: 'no setgid bit on a socket volume',
    file: 'compose.yaml',
    find: 'gid=10200,mode=2750',
    replace: 'gid=10200,mode=0750',
    killers: ['e2e/sockets-carry-owner-group-mode.test.ts'],
  },
  {
    name: 'Redis keeps nothing',
    file: 'config/redis.conf',
    find: 'appendonly yes',
    replace: 'appendonly no',
    killers: ['e2e/a-lost-redis-only-degrades.test.ts'],
  },
  {
    name: 'an alert comes late',
    file: 'config/alerts.yml',
    find: '        expr: app_redis_up == 0\n        for: 30s',
    replace: '        expr: app_redis_up == 0\n        for: 30m',
    killers: ['e2e/alert-rules-fire-when-they-should.test.ts'],
  },
  {
    name: 'the images have a shell',
    file: 'Dockerfile',
    find: 'install -d -m 1777 /root-fs/tmp',
    replace: 'install -d -m 1777 /root-fs/tmp; cp -L /bin/sh /root-fs/usr/local/bin/',
    killers: [IMAGES],
  },
  {
    name: 'libraries in the images are executable',
    file: 'Dockerfile',
    find: 'put "$library" 0644',
    replace: 'put "$library" 0755',
    killers: [IMAGES],
  },
  {
    name: 'the images have no certificates',
    file: 'Dockerfile',
    find: '>/root-fs/etc/ssl/certs/ca-certificates.crt',
    replace: '>/dev/null',
    killers: [IMAGES],
  },
]
