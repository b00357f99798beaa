# SPDX-License-Identifier: Apache-2.0
# One image with evergate-controller, evergate-dataplane and evergatectl; deploy/image/entrypoint.sh chooses.
#
#   docker build -t evergate .
#
# Runs as user 65532 on a read-only root; /run/evergate (the RPC socket) and /var/lib/evergate (the last
# configuration that worked) are volumes. docs/install.md says which ports it may bind, and where.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY deploy/install-packages.sh deploy/
RUN deploy/install-packages.sh build image
COPY . .
ARG JOBS=
ENV CCACHE_DIR=/var/cache/ccache
RUN --mount=type=cache,target=/var/cache/ccache \
    cmake --preset release && \
    ninja -C build/release ${JOBS:+-j${JOBS}} evergate-controller evergate-dataplane evergatectl && \
    install -D -s -t /out/usr/local/bin build/release/bin/evergate-controller \
        build/release/bin/evergate-dataplane build/release/bin/evergatectl && \
    install -D deploy/image/entrypoint.sh /out/usr/local/bin/evergate-entrypoint && \
    install -D -m 644 LICENSE /out/usr/share/doc/evergate/LICENSE && \
    setcap cap_net_bind_service=p /out/usr/local/bin/evergate-dataplane

FROM ${BASE}
COPY deploy/install-packages.sh /tmp/
RUN /tmp/install-packages.sh runtime && \
    rm -rf /tmp/install-packages.sh /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log && \
    groupadd --gid 65532 evergate && \
    useradd --uid 65532 --gid 65532 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin evergate && \
    install -d -o 65532 -g 65532 -m 0750 /run/evergate /var/lib/evergate
COPY --from=build /out/ /

ARG VERSION=0.2.0
ARG REVISION=
LABEL org.opencontainers.image.title="Evergate" \
      org.opencontainers.image.description="Ingress controller for Kubernetes and Marathon that never reloads" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

USER 65532:65532
VOLUME ["/run/evergate", "/var/lib/evergate"]
# 80 and 443 where the container may bind them, or what --http-listen and --https-listen say; 9301 and 9302: admin.
EXPOSE 80 443 9301 9302
STOPSIGNAL SIGTERM
ENTRYPOINT ["evergate-entrypoint"]
CMD ["both"]
