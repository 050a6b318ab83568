# Replaces the official base images if no registry is reachable (scripts/build-stand-in.sh).

ARG DEBIAN

FROM ${DEBIAN} AS packages
# The host's mirror may use https with a certificate that only the host trusts.
RUN echo 'Acquire::https::CAInfo "/run/secrets/ca";' >/etc/apt/apt.conf.d/50ca

FROM packages AS redis
RUN --mount=type=secret,id=ca \
    apt-get update -q && apt-get install -yq --no-install-recommends redis-server redis-tools \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

FROM packages AS prometheus
RUN --mount=type=secret,id=ca \
    apt-get update -q && apt-get install -yq --no-install-recommends prometheus \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

FROM ${DEBIAN} AS node
COPY . /usr/local/
