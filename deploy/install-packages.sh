#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing to build, test or benchmark Evergate on Debian 12 (or a later relative).
# This is the one list of packages; the Dockerfile, tests/run.sh and the quickstart use it.
#
#   deploy/install-packages.sh [--check|--list] build|runtime|quickstart|test|bench...
#
# --check: install nothing, exit 1 when something is missing.  --list: print the names only.
set -euo pipefail

packages_build=(g++ cmake ninja-build ccache pkg-config
    libboost1.81-dev libssl-dev nlohmann-json3-dev libspdlog-dev libyaml-cpp-dev libnghttp2-dev
    zlib1g-dev libbrotli-dev libzstd-dev)
packages_runtime=(libssl3 libspdlog1.10 libfmt9 libyaml-cpp0.7 libnghttp2-14
    zlib1g libbrotli1 libzstd1 ca-certificates)
packages_quickstart=(curl python3 openssl)
packages_image=(libcap2-bin) # to build the image, besides `build`: the data plane's file capability
packages_test=(libgtest-dev libgmock-dev lld clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev
    python3 python3-yaml curl openssl git procps wrk iproute2 prometheus nftables strace libfaketime)
packages_bench=(haproxy nginx-light wrk nghttp2-client nghttp2-server nghttp2-proxy
    python3 openssl iproute2 util-linux slowhttptest)

usage() {
    sed -n '3,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

mode=install
wanted=()
for argument in "$@"; do
    case $argument in
        --check) mode=check ;;
        --list) mode=list ;;
        build) wanted+=("${packages_build[@]}") ;;
        runtime) wanted+=("${packages_runtime[@]}") ;;
        quickstart) wanted+=("${packages_quickstart[@]}") ;;
        image) wanted+=("${packages_image[@]}") ;;
        test) wanted+=("${packages_test[@]}") ;;
        bench) wanted+=("${packages_bench[@]}") ;;
        *) usage ;;
    esac
done
[ ${#wanted[@]} -gt 0 ] || usage

if [ $mode = list ]; then
    printf '%s\n' "${wanted[@]}" | sort -u
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi
if [ $mode = check ]; then
    echo "missing: ${missing[*]}" >&2
    exit 1
fi

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "missing: ${missing[*]}; install them as root (there is no sudo here)" >&2
        exit 1
    }
    as_root=(sudo)
fi
echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
