# podman and kubectl, for tests alone: podman runs the pod of deploy/kubernetes in a privileged container.
ARG NODE_IMAGE
FROM ${NODE_IMAGE}
# The machine's mirror may use https with a certificate that only this machine trusts.
RUN --mount=type=secret,id=ca \
    ca=-oAcquire::https::CAInfo=/run/secrets/ca; [ -s /run/secrets/ca ] || ca=-q; \
    apt-get -q "$ca" update && apt-get -yq "$ca" install --no-install-recommends \
      podman crun conmon netavark aardvark-dns catatonit iptables nftables iproute2 kubernetes-client openssl \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# No systemd is process 1, and no journal is there.
RUN printf '%s\n' '[containers]' 'log_driver = "k8s-file"' '[engine]' 'cgroup_manager = "cgroupfs"' 'events_logger = "file"' \
      >/etc/containers/containers.conf
ENV PODMAN_IGNORE_CGROUPSV1_WARNING=1
# In a cgroup v2 hierarchy a group with processes has no controllers to give to the groups below it: the processes move into
# a group of their own first, as docker:dind does it.
CMD ["sh", "-c", "cd /sys/fs/cgroup && if [ -f cgroup.controllers ]; then mkdir -p init; \
     xargs -rn1 <cgroup.procs >init/cgroup.procs || :; sed 's/ / +/g; s/^/+/' <cgroup.controllers >cgroup.subtree_control; fi; \
     exec sleep infinity"]
LABEL io.uds-sidecar.built=here
