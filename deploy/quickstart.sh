#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Evergate on this machine in one command: three backends, a controller that watches a directory of
# Kubernetes manifests, and a data plane. Ctrl-C stops everything.
#
#   deploy/quickstart.sh            build if needed, start, print what to try
#   deploy/quickstart.sh --check    the same unattended: try it, stop it, exit 0 or 1
#
# Environment: EVERGATE_BIN (built programs; default: build the release preset), QUICKSTART_HTTP_PORT,
# QUICKSTART_CONTROLLER_PORT, QUICKSTART_DATAPLANE_PORT (admin), QUICKSTART_BACKEND_PORTS="A B C",
# QUICKSTART_HTTPS_PORT, QUICKSTART_DIR. Defaults: 8080 9301 9302 "9411 9412 9413" 8443
# build/quickstart; --check picks free ports and a temporary directory instead.
set -euo pipefail
cd "$(dirname "$0")/.."

check=no
case ${1:-} in
    --check) check=yes ;;
    "") ;;
    *)
        sed -n '3,13s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
esac

now_ms() { echo $(($(date +%s%N) / 1000000)); }
begin=$(now_ms)
step_name="" step_start=$begin

# step TEXT: says what happens now, and how long the step before took.
step() {
    [ -z "$step_name" ] || printf '      (%s ms)\n' "$(($(now_ms) - step_start))"
    step_name=$1 step_start=$(now_ms)
    [ -z "$1" ] || printf '%s\n' "==> $1"
}

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    for log in "${run:-/nonexistent}"/*.log; do
        [ -s "$log" ] && printf -- '--- %s\n' "$log" >&2 && tail -n 15 "$log" >&2
    done
    exit 1
}

# until_true MILLISECONDS COMMAND...: polls; false when the time is over.
until_true() {
    local end=$(($(now_ms) + $1))
    shift
    until "$@"; do
        [ "$(now_ms)" -lt $end ] || return 1
        sleep 0.02
    done
}

free_ports() { # free_ports COUNT: ports nobody listens on now
    python3 -c 'import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in held))' "$1"
}

# ---- packages: first, because what follows uses some of them
if [ -z "${EVERGATE_BIN:-}" ]; then
    step "installing packages that are missing"
    ./deploy/install-packages.sh build quickstart
fi

# ---- settings
ports=(8080 9301 9302 9411 9412 9413 8443)
if [ $check = yes ]; then
    read -r -a ports <<<"$(free_ports 7)"
fi
http_port=${QUICKSTART_HTTP_PORT:-${ports[0]}}
controller_port=${QUICKSTART_CONTROLLER_PORT:-${ports[1]}}
dataplane_port=${QUICKSTART_DATAPLANE_PORT:-${ports[2]}}
https_port=${QUICKSTART_HTTPS_PORT:-${ports[6]}}
read -r -a backend_ports <<<"${QUICKSTART_BACKEND_PORTS:-${ports[*]:3:3}}"
backend_names=(blue green api)
run=${QUICKSTART_DIR:-$PWD/build/quickstart}
temporary=no
if [ -z "${QUICKSTART_DIR:-}" ] && { [ $check = yes ] || [ ${#run} -gt 90 ]; }; then
    run=$(mktemp -d) temporary=yes # a Unix socket's path has at most 107 bytes
fi
manifests=$run/manifests

# ---- processes: started here, stopped here, by id
names=() pids=() requests_pid=""

start() { # start NAME COMMAND...: its own session, so that Ctrl-C reaches it only through us
    local name=$1
    shift
    setsid "$@" >"$run/$name.log" 2>&1 </dev/null &
    names+=("$name") pids+=($!)
}

alive() { kill -0 "$1" 2>/dev/null; }
gone() { ! alive "$1"; }

stop_all() { # newest first: the data plane drains before its backends go
    local i status clean=0
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill -TERM "${pids[i]}" 2>/dev/null || true
        if ! until_true 10000 gone "${pids[i]}"; then
            echo "${names[i]} (pid ${pids[i]}) does not stop; killing it" >&2
            kill -KILL "${pids[i]}" 2>/dev/null || true
            clean=1
        fi
        status=0
        wait "${pids[i]}" 2>/dev/null || status=$?
        [ $status = 0 ] || { echo "${names[i]} ended with status $status" >&2 && clean=1; }
    done
    names=() pids=()
    return $clean
}

finish() {
    local status=$?
    trap - EXIT INT TERM
    [ -z "$requests_pid" ] || kill "$requests_pid" 2>/dev/null || true
    stop_all || [ $status != 0 ] || status=1
    if [ $temporary = yes ] && [ $status = 0 ]; then
        rm -rf "$run"
    elif [ $status != 0 ]; then
        echo "logs: $run/*.log" >&2
    fi
    exit $status
}
trap finish EXIT
interrupted() {
    echo
    echo "stopping"
    [ $check = no ] || exit 130
    exit 0
}
trap interrupted INT TERM

# ---- requests
url=http://127.0.0.1:$http_port
answer() { curl -s -i -m 2 -H "Host: $1" "$url$2" 2>/dev/null || true; }
code() { curl -s -o /dev/null -m 2 -w '%{http_code}' -H "Host: $1" "$url$2" 2>/dev/null || true; }
answers() { [ "$(code "$1" "$2")" = "$3" ]; }
answered_by() { answer "$1" "$2" | grep -q "^$3 "; } # the body begins with the name
secure_code() { # over TLS, with the certificate that was made last
    curl -s -o /dev/null -m 2 -w '%{http_code}' --cacert "$run/tls.crt" \
        --resolve "secure.localhost:$https_port:127.0.0.1" "https://secure.localhost:$https_port$1" 2>/dev/null || true
}
secure_answers() { [ "$(secure_code "$1")" = "$2" ]; }
ready() { curl -s -f -o /dev/null -m 1 "http://127.0.0.1:$1/$2"; }

never_answered_by() { # 6 requests in a row
    local i
    for i in 1 2 3 4 5 6; do
        ! answered_by "$1" "$2" "$3" || return 1
    done
}

# ---- build
if [ -z "${EVERGATE_BIN:-}" ]; then
    step "building the release preset (the first time takes minutes)"
    mkdir -p build
    { cmake --preset release && ninja -C build/release evergate-controller evergate-dataplane evergatectl \
        echo_backend; } >build/quickstart-build.log 2>&1 || {
        grep -m 20 -E 'error|FAILED' build/quickstart-build.log >&2 || tail -20 build/quickstart-build.log >&2
        fail "the build; see build/quickstart-build.log"
    }
    EVERGATE_BIN=build/release/bin
fi
bin=$(cd "$EVERGATE_BIN" && pwd)

make_certificate() { # a new one for secure.localhost, as a Secret among the manifests
    (
        umask 077
        openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 30 -subj /CN=secure.localhost \
            -addext subjectAltName=DNS:secure.localhost -keyout "$run/tls.key" -out "$run/tls.crt" 2>"$run/openssl.txt"
        printf '%s\n' "apiVersion: v1" "kind: Secret" "metadata:" "  name: secure" "type: kubernetes.io/tls" \
            "data:" "  tls.crt: $(base64 -w0 "$run/tls.crt")" "  tls.key: $(base64 -w0 "$run/tls.key")" >"$run/new.yaml"
        mv "$run/new.yaml" "$manifests/secret.yaml"
    ) || fail "no certificate: $(tail -n 3 "$run/openssl.txt")"
}

# ---- start
step "starting three backends: ${backend_names[*]} on ${backend_ports[*]}"
mkdir -p "$run" "$run/state"
rm -rf "$manifests" "$run"/*.log "$run"/rpc.sock
mkdir -p "$manifests"
sed -e "s/: 9411\$/: ${backend_ports[0]}/" -e "s/: 9412\$/: ${backend_ports[1]}/" \
    -e "s/: 9413\$/: ${backend_ports[2]}/" deploy/quickstart/endpoints.yaml >"$manifests/endpoints.yaml"
cp deploy/quickstart/shop.yaml "$manifests/"
cp deploy/quickstart/secure.yaml.example "$manifests/secure.yaml"
make_certificate
for i in 0 1 2; do
    start "backend-${backend_names[i]}" "$bin/echo_backend" \
        "--listen=127.0.0.1:${backend_ports[i]}" "--name=${backend_names[i]}"
done
for i in 0 1 2; do
    until_true 5000 ready "${backend_ports[i]}" "" || fail "backend ${backend_names[i]} does not answer"
done

step "starting the controller on $manifests"
start controller "$bin/evergate-controller" --source=directory "--directory=$manifests" \
    "--http-listen=127.0.0.1:$http_port" "--https-listen=127.0.0.1:$https_port" \
    "--https-redirect-to=$https_port" "--rpc-listen=unix:$run/rpc.sock" \
    "--admin-listen=127.0.0.1:$controller_port"
until_true 10000 ready "$controller_port" readyz || fail "the controller is not ready"

step "starting the data plane"
start dataplane "$bin/evergate-dataplane" "--controller=unix:$run/rpc.sock" \
    "--admin-listen=127.0.0.1:$dataplane_port" "--state-dir=$run/state"
dataplane_pid=${pids[-1]}
until_true 10000 ready "$dataplane_port" readyz || fail "the data plane is not ready"
until_true 5000 answers shop.localhost / 200 || fail "shop.localhost does not answer 200"

if [ $check = no ]; then
    step ""
    cat <<TEXT

Evergate is running. Open http://shop.localhost:$http_port/ in a browser, or:

    curl -H 'Host: shop.localhost' $url/            # blue and green in turn
    curl -H 'Host: shop.localhost' $url/api/items   # api
    curl -k --resolve secure.localhost:$https_port:127.0.0.1 https://secure.localhost:$https_port/   # over TLS

Change something; it takes effect while requests run:

    \$EDITOR $manifests/shop.yaml
    cp deploy/quickstart/blog.yaml.example $manifests/blog.yaml
    curl -H 'Host: blog.localhost' $url/

See what it knows:

    export EVERGATE_ADMIN=http://127.0.0.1:$dataplane_port EVERGATE_CONTROLLER_ADMIN=http://127.0.0.1:$controller_port
    $bin/evergatectl status
    $bin/evergatectl problems
    $bin/evergatectl explain GET http://shop.localhost:$http_port/api
    http://127.0.0.1:$dataplane_port/  (dashboard)   http://127.0.0.1:$dataplane_port/metrics

Logs: $run/*.log    Ctrl-C stops everything.
TEXT
    wait -n "${pids[@]}" || true
    fail "a process ended by itself"
fi

# ---- check
replace() { # replace FILE SED-EXPRESSION: by an atomic rename
    sed -e "$2" "$manifests/$1" >"$run/new.yaml"
    ! cmp -s "$manifests/$1" "$run/new.yaml" || fail "the edit changes nothing in $1"
    mv "$run/new.yaml" "$manifests/$1"
}

takes_effect() { # takes_effect WHAT COMMAND...: within two seconds
    local what=$1 start
    start=$(now_ms)
    shift
    until_true 2000 "$@" || fail "$what did not take effect within 2 s"
    printf '      %s: seen after %s ms\n' "$what" "$(($(now_ms) - start))"
}

step "checking the routes"
until_true 2000 answered_by shop.localhost / blue || fail "blue never answers"
until_true 2000 answered_by shop.localhost / green || fail "green never answers"
answered_by shop.localhost /api/items api || fail "/api does not reach api"
secure_answers / 200 || fail "https://secure.localhost:$https_port/ answers $(secure_code /), not 200"
answer secure.localhost /a | grep -qi "^location: https://secure.localhost:$https_port/a" ||
    fail "http://secure.localhost is not redirected to https"
answers unknown.localhost / 404 || fail "an unknown host answers $(code unknown.localhost /), not 404"
"$bin/evergatectl" "--admin=http://127.0.0.1:$dataplane_port" status >"$run/status.txt" || fail "evergatectl status"

step "changing the configuration while requests run"
stop_file=$run/stop-requests
(
    while [ ! -e "$stop_file" ]; do
        code shop.localhost /
        echo
    done >"$run/codes.txt"
) &
requests_pid=$!
cp deploy/quickstart/blog.yaml.example "$run/new.yaml" && mv "$run/new.yaml" "$manifests/blog.yaml"
takes_effect "a new host" answers blog.localhost / 200
replace shop.yaml 's#path: /api#path: /v2#'
takes_effect "an edited path" answered_by shop.localhost /v2/items api
takes_effect "the old path, now the shop's" never_answered_by shop.localhost /api/items api
replace endpoints.yaml '0,/ready: true/s//ready: false/'
takes_effect "an endpoint's removal" never_answered_by shop.localhost / blue
make_certificate
takes_effect "a renewed certificate" secure_answers / 200
rm "$manifests/blog.yaml"
takes_effect "a host's removal" answers blog.localhost / 404
replace endpoints.yaml 's/ready: false/ready: true/'
takes_effect "the endpoint's return" answered_by shop.localhost / blue
touch "$stop_file"
wait $requests_pid
requests_pid=""

step "looking for failures"
sent=$(wc -l <"$run/codes.txt")
bad=$(grep -vc '^200$' "$run/codes.txt" || true)
[ "$sent" -gt 0 ] && [ "$bad" = 0 ] || fail "$bad of $sent requests did not answer 200: $(sort "$run/codes.txt" | uniq -c | tr '\n' ' ')"
echo "      $sent requests during the changes, all 200"
alive "$dataplane_pid" || fail "the data plane's process is not the one that was started"
if grep -E 'Sanitizer|runtime error|terminate called|\[(error|critical)\]|level=(error|critical)' "$run"/*.log; then
    fail "errors in the logs"
fi

step "stopping"
started=("${pids[@]}")
stop_all || fail "not everything stopped cleanly"
for pid in "${started[@]}"; do
    gone "$pid" || fail "process $pid is still there"
done
! ready "$http_port" "" || fail "something still listens on port $http_port"
step ""
echo "quickstart: all checks passed in $(($(now_ms) - begin)) ms"
