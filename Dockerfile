# One target per service. Build with `docker compose build`, or `make images` where there is no registry.
# To use other base images, set these variables in the environment or in .env; .env.example explains them.
ARG NODE_IMAGE=node:26.10-trixie-slim
ARG REDIS_IMAGE=redis:8
ARG PROMETHEUS_IMAGE=prom/prometheus:v3.14.0

# ---- bundles: one file per program, with everything that it imports ----

FROM ${NODE_IMAGE} AS node

FROM node AS bundles
WORKDIR /srv
# These layers copy only package files, so that a changed source leaves them cached.
ARG NPM_CONFIG_REGISTRY
COPY package.json package-lock.json .npmrc ./
COPY shared/package.json shared/
COPY services/app/package.json services/app/
COPY services/sidecar/package.json services/sidecar/
COPY services/client/package.json services/client/
COPY e2e/package.json e2e/
# The secret has the certificates of the build machine: npm needs them behind a proxy that intercepts TLS.
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.npm \
    NODE_EXTRA_CA_CERTS=/run/secrets/ca npm ci --ignore-scripts --omit=dev --include-workspace-root \
    --workspace=services/app --workspace=services/sidecar --workspace=services/client
COPY scripts/bundle.ts scripts/
COPY shared/src shared/src
COPY services services
# The image of the client has no env(1) to look for Node: its command, the program itself, names Node by its path.
RUN npm run bundle && sed -i '1s|^#!.*|#!/usr/local/bin/node|' bundle/client/main.mjs \
    && mkdir client-command && ln -s /srv/bundle/main.mjs client-command/client

# ---- root: what Node needs, and no shell: docs/adr/0010-images-have-nothing-to-run-but-node.md ----

FROM node AS root
# Without flock(1) the path lock needs node:ffi.
RUN node -e "if (!process.getBuiltinModule('node:ffi')) throw new Error('NODE_IMAGE needs Node 26.10 or later')"
# The libraries and the loader that Node links to, at the paths where the loader looks. In the list of ldd, only the
# loader has no "=>"; it has to be executable, the libraries do not.
RUN set -e; node=$(command -v node); \
    put() { mkdir -p "/root-fs${1%/*}"; cp -L "$1" "/root-fs$1"; chmod "$2" "/root-fs$1"; }; \
    for library in $(ldd "$node" | sed -n 's|.*=> *\(/[^ ]*\).*|\1|p'); do put "$library" 0644; done; \
    for loader in $(ldd "$node" | sed -n 's|^[[:space:]]*\(/[^ ]*\) (.*|\1|p'); do put "$loader" 0755; done; \
    mkdir -p /root-fs/usr/local/bin /root-fs/etc/ssl/certs /root-fs/srv; \
    cp -L "$node" /root-fs/usr/local/bin/node; \
    install -d -m 1777 /root-fs/tmp
# Mozilla's certificates, which Node carries. Node itself needs no file; --use-system-ca and other clients read this one.
RUN node -e "process.stdout.write(tls.rootCertificates.join('\n') + '\n')" >/root-fs/etc/ssl/certs/ca-certificates.crt \
    && ln -s certs/ca-certificates.crt /root-fs/etc/ssl/cert.pem
RUN for user in root:0 app:10001 sidecar:10002 client:10003; do \
    name=${user%:*} id=${user#*:}; \
    echo "$name:x:$id:$id::/:/sbin/nologin" >>/root-fs/etc/passwd; echo "$name:x:$id:" >>/root-fs/etc/group; \
    done \
    && echo 'hosts: files dns' >/root-fs/etc/nsswitch.conf
# An empty directory for each compile cache, which the user of its service fills.
RUN for uid in 10001 10002 10003; do install -d -o "$uid" -g "$uid" "/caches/$uid/compile-cache"; done

# ---- services: no shell, no npm, no package manager, so that RUN starts Node directly ----

FROM scratch AS runtime
COPY --from=root /root-fs /
WORKDIR /srv
# The build compiles each bundle once and keeps the result: a start without compilation is twice as fast.
# The cache holds for one user id and processor type; for others Node compiles again.
ENV PATH=/usr/local/bin NODE_ENV=production NODE_COMPILE_CACHE=/srv/compile-cache

FROM runtime AS app
COPY --from=root /caches/10001 .
COPY --from=bundles /srv/bundle/app bundle
USER 10001:10001
RUN ["node", "bundle/main.mjs", "--version"]
RUN ["node", "bundle/healthcheck.mjs", "--version"]
ENTRYPOINT ["node", "bundle/main.mjs"]
ARG VERSION=dev
ARG REVISION=unknown
ENV VERSION=${VERSION} REVISION=${REVISION} NODE_COMPILE_CACHE_READONLY=1
LABEL io.uds-sidecar.built=here \
      org.opencontainers.image.title="uds-sidecar app" \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}

FROM runtime AS sidecar
COPY --from=root /caches/10002 .
COPY --from=bundles /srv/bundle/sidecar bundle
USER 10002:10002
RUN ["node", "bundle/main.mjs", "--version"]
RUN ["node", "bundle/healthcheck.mjs", "--version"]
ENTRYPOINT ["node", "bundle/main.mjs"]
ARG VERSION=dev
ARG REVISION=unknown
ENV VERSION=${VERSION} REVISION=${REVISION} NODE_COMPILE_CACHE_READONLY=1
LABEL io.uds-sidecar.built=here \
      org.opencontainers.image.title="uds-sidecar sidecar" \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}

FROM runtime AS client
COPY --from=root /caches/10003 .
COPY --from=bundles /srv/bundle/client bundle
COPY --from=bundles /srv/client-command /usr/local/bin/
USER 10003:10003
RUN ["node", "bundle/main.mjs", "--version"]
RUN ["client", "--version"]
ENTRYPOINT ["node", "bundle/main.mjs"]
ARG VERSION=dev
ARG REVISION=unknown
ENV VERSION=${VERSION} REVISION=${REVISION} NODE_COMPILE_CACHE_READONLY=1
LABEL io.uds-sidecar.built=here \
      org.opencontainers.image.title="uds-sidecar client" \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}

# ---- certificates: of the demonstration alone, so it may have a shell ----

FROM node AS certificates
RUN --mount=type=secret,id=ca \
    apt-get -o Acquire::https::CAInfo=/run/secrets/ca update -q \
    && apt-get -o Acquire::https::CAInfo=/run/secrets/ca install -yq --no-install-recommends openssl \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY config/certificates.sh /usr/local/bin/certificates
USER 10006:10006
ENTRYPOINT ["sh", "/usr/local/bin/certificates"]
LABEL io.uds-sidecar.built=here

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
