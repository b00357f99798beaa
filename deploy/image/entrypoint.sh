#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the image starts.
#
#   both [CONTROLLER FLAGS] [-- DATA PLANE FLAGS]   both programs in one container (docker, Marathon); the default
#   controller [FLAGS]                              a controller that is started again when it dies (a sidecar)
#   dataplane [FLAGS]                               one data plane
#   --FLAG ...                                      the same as: both --FLAG ...
#   PROGRAM [ARGUMENTS]                             anything else in the image: evergatectl, evergate-controller ...
#
# The data plane's end is the container's end, with its exit code. A controller that dies is started again after
# 1 to 15 s, and traffic flows on meanwhile; one that does not understand its flags (exit code 2) ends the container.
# EVERGATE_WATCH_HEALTH=HOST/PORT, the controller's admin address: a controller that does not answer there for a minute
# is killed and started again. (A liveness probe would end the container, and take its pod out of the Service.)
# SIGTERM and SIGINT go on to both: the data plane drains, and the container ends when it has; a second signal
# ends it at once.
set -uo pipefail

export PATH=${EVERGATE_PROGRAMS:-/usr/local/bin}:$PATH
: "${EVERGATE_RPC_LISTEN:=unix:/run/evergate/rpc.sock}"
: "${EVERGATE_STATE_DIR:=/var/lib/evergate}"
longest_pause=15 # seconds
long_enough=60   # a controller that ran for so many seconds is started again soon
watch_seconds=${EVERGATE_WATCH_SECONDS:-10}
most_missed=6 # answers in a row

say() { echo "entrypoint: $*" >&2; }

usage_error() {
    say "$*"
    exit 2
}

mode=both
case ${1:-both} in
    both | controller) mode=${1:-both} && shift ;;
    dataplane) shift && exec evergate-dataplane "$@" ;;
    -*) ;;
    *) exec "$@" ;;
esac

controller_flags=() dataplane_flags=()
into=controller
for argument in "$@"; do
    if [ "$argument" = -- ] && [ $mode = both ]; then
        into=dataplane
    elif [ $into = controller ]; then
        controller_flags+=("$argument")
    else
        dataplane_flags+=("$argument")
    fi
done
if [ $mode = both ]; then
    [ -z "${EVERGATE_ADMIN_LISTEN:-}" ] ||
        usage_error "EVERGATE_ADMIN_LISTEN would give both programs one address: use --admin-listen on each side of --"
    export EVERGATE_RPC_LISTEN EVERGATE_STATE_DIR
    export EVERGATE_CONTROLLER=${EVERGATE_CONTROLLER:-$EVERGATE_RPC_LISTEN}
fi

controller="" dataplane="" pause="" tick="" check="" stopping=no status=0
pause_seconds=0 started=0 missed=0

start_controller() {
    [ $stopping = no ] || return
    evergate-controller "${controller_flags[@]}" &
    controller=$!
    started=$SECONDS
    missed=0
}

start_tick() {
    if [ -n "${EVERGATE_WATCH_HEALTH:-}" ] && [ $stopping = no ]; then
        sleep "$watch_seconds" &
        tick=$!
    fi
}

is_healthy() {
    # shellcheck disable=SC2016
    timeout 5 bash -c 'exec 3<>"/dev/tcp/$0" && printf "GET /healthz HTTP/1.0\r\n\r\n" >&3 && read -r line <&3 &&
        [[ $line == *" 200 "* ]]' "$EVERGATE_WATCH_HEALTH" 2>/dev/null
}

# look_after_controller STATUS: of the check that has ended.
look_after_controller() {
    [ -n "$controller" ] || return
    if [ "$1" = 0 ]; then
        missed=0
        return
    fi
    missed=$((missed + 1))
    if [ $missed -ge $most_missed ]; then
        say "the controller does not answer at $EVERGATE_WATCH_HEALTH: killed"
        kill -KILL "$controller"
    fi
}

stop() {
    stopping=yes
    # shellcheck disable=SC2086
    kill $pause $tick $check 2>/dev/null
    # shellcheck disable=SC2086
    kill -TERM $controller $dataplane 2>/dev/null
}

# The controller has ended with status $1, and not because we asked it to.
controller_ended() {
    controller=""
    if [ "$1" = 2 ]; then
        say "the controller does not understand its settings"
        status=2
        stop
        return
    fi
    if [ $((SECONDS - started)) -ge $long_enough ]; then
        pause_seconds=0
    fi
    pause_seconds=$((pause_seconds == 0 ? 1 : pause_seconds * 2))
    pause_seconds=$((pause_seconds > longest_pause ? longest_pause : pause_seconds))
    say "the controller ended with $1; started again in $pause_seconds s"
    sleep $pause_seconds &
    pause=$!
}

trap stop TERM INT
if [ $mode = both ] && [ $stopping = no ]; then
    evergate-dataplane "${dataplane_flags[@]}" &
    dataplane=$!
fi
start_controller
start_tick

while [ -n "$controller$dataplane$pause$tick$check" ]; do
    wait -n -p ended
    code=$?
    case ${ended:-} in
        "") [ $code != 127 ] || break ;; # a signal: wait again; 127: no child is left
        "$dataplane")
            dataplane=""
            [ $stopping = yes ] || say "the data plane ended with $code"
            [ $status != 0 ] || status=$code
            stop
            ;;
        "$pause")
            pause=""
            [ $stopping = yes ] || start_controller
            ;;
        "$tick")
            tick=""
            if [ $stopping = no ]; then
                # In the background: bash forgets a child that a signal kills while a command runs in the foreground.
                is_healthy &
                check=$!
            fi
            ;;
        "$check")
            check=""
            [ $stopping = yes ] || look_after_controller $code
            start_tick
            ;;
        "$controller")
            if [ $stopping = yes ]; then
                controller=""
                [ $mode = both ] || [ $status != 0 ] || status=$code
            else
                controller_ended $code
            fi
            ;;
    esac
done
exit $status
