# A machine with systemd and podman from Debian's packages, and Node for the load: for tests alone.
ARG NODE_IMAGE
FROM ${NODE_IMAGE}
# The machine's mirror may use https with a certificate that only this machine trusts.
RUN --mount=type=secret,id=ca \
    ca=-oAcquire::https::CAInfo=/run/secrets/ca; [ -s /run/secrets/ca ] || ca=-q; \
    apt-get -q "$ca" update && apt-get -yq "$ca" install --no-install-recommends \
      systemd dbus podman crun conmon netavark openssl \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && systemctl mask systemd-modules-load.service
VOLUME /var/lib/containers
# In its own cgroup namespace, systemd can have the whole of a cgroup v2 hierarchy, whatever the host has.
ENV container=docker
STOPSIGNAL SIGRTMIN+3
CMD ["sh", "-c", "umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec /usr/lib/systemd/systemd"]
LABEL io.uds-sidecar.built=here
