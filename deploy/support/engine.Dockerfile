# A node of a Swarm: an engine from Debian's packages, and Node for the load.
ARG NODE_IMAGE
FROM ${NODE_IMAGE}
# The machine's mirror may use https with a certificate that only this machine trusts.
RUN --mount=type=secret,id=ca \
    ca=-oAcquire::https::CAInfo=/run/secrets/ca; [ -s /run/secrets/ca ] || ca=-q; \
    apt-get -q "$ca" update && apt-get -yq "$ca" install --no-install-recommends docker.io docker-cli iptables \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
VOLUME /var/lib/docker
ENTRYPOINT ["dockerd", "--storage-driver=overlay2", "--log-level=warn"]
LABEL io.uds-sidecar.built=here
