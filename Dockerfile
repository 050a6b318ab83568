# One target per service. Build with `docker compose build`, or `make images` where there is no registry.
# To use other base images, set these variables in the environment or in .env; .env.example explains them.
ARG NODE_IMAGE=node:26-trixie-slim
ARG RUNTIME_IMAGE=debian:trixie-slim
ARG REDIS_IMAGE=redis:8
ARG PROMETHEUS_IMAGE=prom/prometheus:v3.14.0

# ---- dependencies: these layers copy only package files, so that a changed source leaves them cached ----

FROM ${NODE_IMAGE} AS node

FROM node AS manifests
WORKDIR /srv
# The certificates of the build machine, passed as a secret: npm needs them behind a proxy that intercepts TLS.
ENV NODE_EXTRA_CA_CERTS=/run/secrets/ca
ARG NPM_CONFIG_REGISTRY
COPY package.json package-lock.json .npmrc ./
COPY shared/package.json shared/
COPY services/app/package.json services/app/
COPY services/sidecar/package.json services/sidecar/
COPY services/client/package.json services/client/
COPY e2e/package.json e2e/

FROM manifests AS app-dependencies
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --omit=dev --omit=optional --workspace=services/app

FROM manifests AS sidecar-dependencies
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --omit=dev --omit=optional --workspace=services/sidecar

FROM manifests AS client-dependencies
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --omit=dev --omit=optional --workspace=services/client

# ---- bundles: one file per program, which the services start ----

FROM manifests AS bundles
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --omit=dev --include-workspace-root \
    --workspace=services/app --workspace=services/sidecar --workspace=services/client
COPY scripts/bundle.ts scripts/
COPY shared/src shared/src
COPY services services
RUN npm run bundle

# ---- services: Debian (its flock takes the lock of the bind protocol) and Node, no npm ----

FROM ${RUNTIME_IMAGE} AS runtime
# Node links to it, and a slim Debian lacks it.
RUN ldconfig -p | grep -q 'libatomic\.so\.1' \
    || { apt-get update -q && apt-get install -yq --no-install-recommends libatomic1 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*; }
COPY --from=node /usr/local/bin/node /usr/local/bin/
# A service starts from its bundle. The sources are next to it, in the repository's layout and with its symbolic links
# (Node runs no TypeScript in node_modules), so that a team can read what runs, and run parts of it with `exec`.
WORKDIR /srv
# The build compiles bundles and sources once and keeps the result: a start without compilation is twice as fast.
# The cache holds for one user id and processor type; for others Node compiles again.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/srv/compile-cache

FROM runtime AS app
RUN install -d -o 10001 -g 10001 compile-cache
COPY --from=app-dependencies /srv/node_modules node_modules
COPY --from=app-dependencies /srv/shared shared
COPY --from=app-dependencies /srv/services/app services/app
COPY shared/src shared/src
COPY services/app/src services/app/src
COPY --from=bundles /srv/bundle/app bundle
USER 10001:10001
RUN node bundle/main.mjs --version && node services/app/src/main.ts --version && node bundle/healthcheck.mjs --version
ENTRYPOINT ["node", "bundle/main.mjs"]
ARG VERSION=dev
ARG REVISION=unknown
ENV VERSION=${VERSION} REVISION=${REVISION} NODE_COMPILE_CACHE_READONLY=1
LABEL io.uds-sidecar.built=here \
      org.opencontainers.image.title="uds-sidecar app" \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}

FROM runtime AS sidecar
RUN install -d -o 10002 -g 10002 compile-cache
COPY --from=sidecar-dependencies /srv/node_modules node_modules
COPY --from=sidecar-dependencies /srv/shared shared
COPY --from=sidecar-dependencies /srv/services/sidecar services/sidecar
COPY shared/src shared/src
COPY services/sidecar/src services/sidecar/src
COPY --from=bundles /srv/bundle/sidecar bundle
USER 10002:10002
RUN node bundle/main.mjs --version && node services/sidecar/src/main.ts --version && node bundle/healthcheck.mjs --version
ENTRYPOINT ["node", "bundle/main.mjs"]
ARG VERSION=dev
ARG REVISION=unknown
ENV VERSION=${VERSION} REVISION=${REVISION} NODE_COMPILE_CACHE_READONLY=1
LABEL io.uds-sidecar.built=here \
      org.opencontainers.image.title="uds-sidecar sidecar" \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}

FROM runtime AS client
RUN install -d -o 10003 -g 10003 compile-cache
COPY --from=client-dependencies /srv/node_modules node_modules
COPY --from=client-dependencies /srv/shared shared
COPY --from=client-dependencies /srv/services/client services/client
COPY shared/src shared/src
COPY services/client/src services/client/src
COPY --from=bundles /srv/bundle/client bundle
RUN ln -s /srv/bundle/main.mjs /usr/local/bin/client
USER 10003:10003
RUN node bundle/main.mjs --version && node services/client/src/main.ts --version
ENTRYPOINT ["node", "bundle/main.mjs"]
ARG VERSION=dev
ARG REVISION=unknown
ENV VERSION=${VERSION} REVISION=${REVISION} NODE_COMPILE_CACHE_READONLY=1
LABEL io.uds-sidecar.built=here \
      org.opencontainers.image.title="uds-sidecar client" \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}

# ---- third-party programs: the same user, paths and entry point, whatever the base image ----

FROM ${REDIS_IMAGE} AS redis
# A new volume takes its owner and mode from this directory.
RUN install -d -o 10004 -g 10004 -m 0700 /data
WORKDIR /data
USER 10004:10004
ENTRYPOINT ["redis-server"]
LABEL io.uds-sidecar.built=here

FROM ${PROMETHEUS_IMAGE} AS prometheus
USER 10005:10005
WORKDIR /prometheus
ENTRYPOINT ["prometheus"]
LABEL io.uds-sidecar.built=here
# Its data must fit into a small tmpfs.
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus", \
     "--storage.tsdb.retention.size=64MB"]
