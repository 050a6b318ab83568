import type { Mutant } from '../mutant.ts'

const RECIPES = 'services/sidecar/src/policy/docker-recipes.test.ts'

/** The rules of examples/docker-socket. */
export const dockerRecipes: readonly Mutant[] = [
  {
    name: 'docker ps may ask with any name in the query',
    file: 'examples/docker-socket/read-only.yaml',
    find: '/containers/json ?all&filters&limit&size"',
    replace: '/containers/json"',
    killers: [RECIPES],
  },
  {
    name: 'reading the engine allows whatever GET can read',
    file: 'examples/docker-socket/read-only.yaml',
    find: '"GET /{version}/info ?"',
    replace: '"GET /{version}/*"',
    killers: [RECIPES],
  },
  {
    name: 'docker events ends with the time of other requests',
    file: 'examples/docker-socket/read-only.yaml',
    find: '?filters&since&until long"',
    replace: '?filters&since&until"',
    killers: [RECIPES],
  },
  {
    name: 'docker exec brings docker kill with it',
    file: 'examples/docker-socket/exec.yaml',
    find: '"POST /{version}/containers/{id}/exec ?"',
    replace: '"POST /{version}/containers/*"',
    killers: [RECIPES],
  },
  {
    name: 'docker attach needs no upgrade',
    file: 'examples/docker-socket/exec.yaml',
    find: '&stream upgrade tcp"',
    replace: '&stream"',
    killers: [RECIPES],
  },
  {
    name: 'docker exec cannot tell the size of its terminal',
    file: 'examples/docker-socket/exec.yaml',
    find: '/exec/{id}/resize ?h&w"',
    replace: '/exec/{id}/resize ?"',
    killers: [RECIPES],
  },
  {
    name: 'BuildKit may switch to any protocol that it offers',
    file: 'examples/docker-socket/build.yaml',
    find: 'POST /session ? upgrade h2c',
    replace: 'POST /session ? upgrade tcp',
    killers: [RECIPES],
  },
  {
    name: 'docker cp has the time of other requests',
    file: 'examples/docker-socket/build.yaml',
    find: '"PUT /{version}/containers/{id}/archive ?copyUIDGID&noOverwriteDirNonDir&path long"',
    replace: '"PUT /{version}/containers/{id}/archive ?copyUIDGID&noOverwriteDirNonDir&path"',
    killers: [RECIPES],
  },
]
