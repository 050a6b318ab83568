# PostgreSQL and psql, for tests alone: a database with a user `app` whom it asks for a password.
ARG NODE_IMAGE
FROM ${NODE_IMAGE}
# The machine's mirror may use https with a certificate that only this machine trusts.
RUN --mount=type=secret,id=ca \
    ca=-oAcquire::https::CAInfo=/run/secrets/ca; [ -s /run/secrets/ca ] || ca=-q; \
    apt-get -q "$ca" update && apt-get -yq "$ca" install --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && ln -s /usr/lib/postgresql/*/bin /usr/lib/postgresql/bin
USER postgres
RUN echo secret >/tmp/password \
    && /usr/lib/postgresql/bin/initdb -D /var/lib/postgresql/data -U app -A scram-sha-256 --pwfile /tmp/password --no-sync \
    && echo 'host all app samenet scram-sha-256' >>/var/lib/postgresql/data/pg_hba.conf
ENTRYPOINT ["/usr/lib/postgresql/bin/postgres", "-D", "/var/lib/postgresql/data", "-c", "listen_addresses=*", "-c", "fsync=off"]
LABEL io.uds-sidecar.built=here
