#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything CI checks, in one command. Each step prints its result and duration; logs are in
# build/test-logs/. The last line is "N passed, N failed, N skipped"; exit code 1 if anything failed.
#
#   tests/run.sh               all steps
#   tests/run.sh --fast        format and layering, then every test in the debug build only
#   tests/run.sh STEP...       only these: static tidy debug release e2e asan tsan fuzz quickstart
#   --tidy-all                 clang-tidy on every file, not only on what the last commit changed
#   --no-install               do not install missing packages
#
# Environment: JOBS (default: the CPUs), FUZZ_SECONDS (per target, default 10),
# TIDY_BASE (what "changed" compares with, default HEAD~1), EVERGATE_E2E_SHORT=1 (smaller end-to-end tests).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

jobs=${JOBS:-$(nproc)}
fuzz_seconds=${FUZZ_SECONDS:-10}
tidy_base=${TIDY_BASE:-HEAD~1}
tidy_all=no
install=yes
steps=()
for argument in "$@"; do
    case $argument in
        --fast) steps+=(static debug) ;;
        --tidy-all) tidy_all=yes ;;
        --no-install) install=no ;;
        static | tidy | debug | release | e2e | asan | tsan | fuzz | quickstart) steps+=("$argument") ;;
        *)
            sed -n '3,14s/^# \{0,1\}//p' "$0"
            exit 2
            ;;
    esac
done
[ ${#steps[@]} -gt 0 ] || steps=(static release e2e quickstart asan tsan fuzz tidy)

logs=$PWD/build/test-logs
mkdir -p "$logs"
failures=$logs/failures.log
: >"$failures"
passed=0 failed=0 skipped=0

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=0:second_deadlock_stack=1}

say() { printf '%s\n' "$*"; }

# add PASSED FAILED SKIPPED: into the totals, and remembered for the step's line.
add() {
    step_counts=$*
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# step NAME COMMAND...: runs it with its output in a log. The command sets step_counts through add;
# one that does not is a single check.
step() {
    local name=$1 start=$SECONDS status=0 detail
    shift
    step_counts=""
    log=$logs/${name// /-}.log
    "$@" >"$log" 2>&1 || status=$?
    [ -n "$step_counts" ] || { [ $status = 0 ] && add 1 0 0 || add 0 1 0; }
    # shellcheck disable=SC2086
    set -- $step_counts
    if [ $status != 0 ] && [ "$2" = 0 ]; then
        add "$1" 1 "$3"
        passed=$((passed - $1)) skipped=$((skipped - $3))
        set -- "$1" 1 "$3"
    fi
    detail="$1 passed, $2 failed, $3 skipped"
    if [ "$2" = 0 ]; then
        say "ok    $name ($((SECONDS - start)) s): $detail"
        # What was not run is said aloud, and why.
        grep -ohE "skipped ['\"].*['\"]$|NOT RUN.*" "$log" | sort | uniq -c | sed 's/^/      /'
    else
        say "FAIL  $name ($((SECONDS - start)) s): $detail; $log:"
        python3 tests/count_results.py failures "$log" | tee -a "$failures" | sed 's/^/      /'
        tail -n 10 "$log" | sed 's/^/      | /'
    fi
    [ "$2" = 0 ]
}

# Preparation is not a test: it counts only when it fails.
packages() { add 0 0 0 && ./deploy/install-packages.sh build test; }

build() { # build PRESET TARGET...
    local preset=$1
    shift
    add 0 0 0
    cmake --preset "$preset" && ninja -j"$jobs" -C "build/$preset" "$@"
}

# run_ctest PRESET [ctest arguments]: counts GoogleTest cases, not programs.
run_ctest() {
    local preset=$1 status=0
    shift
    local results=$logs/gtest-$preset
    rm -rf "$results" && mkdir -p "$results"
    GTEST_OUTPUT=json:$results/ ctest --test-dir "build/$preset" -j"$jobs" --output-on-failure \
        --no-tests=error --output-junit "$results/ctest.xml" "$@" || status=$?
    # shellcheck disable=SC2046
    add $(python3 tests/count_results.py ctest "$results/ctest.xml" "$results") || add 0 1 0
    return $status
}

run_e2e() { # run_e2e PRESET: the end-to-end tests and the retold incidents, against built programs
    local preset=$1 status=0
    EVERGATE_BIN=$PWD/build/$preset/bin python3 tests/run_e2e.py --jobs "$jobs" || status=1
    # shellcheck disable=SC2046
    add $(python3 tests/count_results.py unittest "$log") || add 0 1 0
    return $status
}

cpp_files() { git ls-files -co --exclude-standard -- '*.cpp' '*.hpp'; }

check_format() { cpp_files | xargs -r clang-format-14 --dry-run --Werror; }

check_layering() { python3 tests/layering/self_test.py && python3 tests/layering/check_includes.py; }

run_tidy() {
    cmake --preset tidy >/dev/null || return 1
    local files status=0
    files=$(git ls-files -- 'common/*.cpp' 'controller/*.cpp' 'dataplane/*.cpp' 'ctl/*.cpp')
    if [ $tidy_all = no ] && git rev-parse -q --verify "$tidy_base" >/dev/null; then
        files=$(git diff --name-only --diff-filter=d "$tidy_base" -- $files)
    fi
    if [ -z "$files" ]; then
        add 0 0 1
        return 0
    fi
    printf '%s\n' "$files" | xargs -P "$jobs" -n 1 clang-tidy-14 -p build/tidy --quiet || status=1
    return $status
}

# The tests in which threads meet: workers, sessions, the RPC channel, and the whole programs.
tsan_pattern='^(unit_dataplane_worker|unit_dataplane_session|unit_common_rpc|integration_http_exchange|integration_http_queue|integration_http_deadline|integration_http_failure|integration_http_outlier|integration_http_connection_limits|integration_http_buffer_limits|integration_https_listener|integration_https_client_certificates|integration_https_handshakes|integration_http2_exchange|integration_http2_upstream|integration_sni_passthrough|integration_http_compression|integration_rpc_convergence)$'

build_tsan() {
    add 0 0 0
    cmake --preset tsan || return 1
    local targets
    targets=$(ninja -C build/tsan -t targets all | sed -n 's/: phony$//p' | grep -E "$tsan_pattern" | sort -u)
    if [ -z "$targets" ]; then
        return 1
    fi
    # shellcheck disable=SC2086
    ninja -j"$jobs" -C build/tsan $targets
}

# One target: its output in a log of its own, so that several can run at a time.
fuzz_target() {
    local target=$1 name=${1##*/fuzz_}
    # New inputs stay in the build tree: a corpus grows only by a commit.
    mkdir -p "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
    # A fixed seed: the same commit gives the same verdict. Long runs with other seeds are for people.
    "$target" -seed="${FUZZ_SEED:-1}" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$logs/crash-$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"$logs/fuzz-$name.log" 2>&1
}

run_fuzz() {
    local target name pid good=0 bad=0
    local -A running=()
    for target in build/asan/tests/fuzz_*; do
        [ -x "$target" ] || continue
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
        fuzz_target "$target" &
        running[$!]=${target##*/fuzz_}
    done
    for pid in "${!running[@]}"; do
        name=${running[$pid]}
        if wait "$pid"; then
            good=$((good + 1))
            say "=== $name: $(grep -h 'stat::number_of_executed_units' "$logs/fuzz-$name.log" || true)"
        else
            bad=$((bad + 1))
            say "=== $name FAILED"
            tail -n 40 "$logs/fuzz-$name.log"
        fi
    done
    add $good $bad 0
    [ $bad = 0 ] && [ $good -gt 0 ]
}

do_static() {
    step format check_format
    step layering check_layering
}
do_tidy() { step tidy run_tidy; }
do_debug() {
    step "build debug" build debug || return
    step "tests debug" run_ctest debug -LE layering
    EVERGATE_E2E_SHORT=1 step "e2e debug" run_e2e debug
}
do_release() { step "build release" build release; }
do_e2e() { step "build release for e2e" build release && step e2e run_e2e release; }
do_asan() {
    step "build asan" build asan || return
    step "tests asan" run_ctest asan -LE layering
    EVERGATE_E2E_SHORT=1 step "e2e asan" run_e2e asan
}
do_tsan() {
    step "build tsan" build_tsan || return
    step "tests tsan" run_ctest tsan -R "$tsan_pattern"
}
# The targets of the asan build: slower than those of the fuzz preset, which is for long runs, but built already.
do_fuzz() { step "build fuzz" build asan fuzzers && step "fuzz ${fuzz_seconds}s each" run_fuzz; }
do_quickstart() { step quickstart ./deploy/quickstart.sh --check; }

if [ $install = yes ]; then
    step packages packages || exit 1
fi
for name in "${steps[@]}"; do
    "do_$name"
done

say "total: $((SECONDS / 60)) min $((SECONDS % 60)) s"
say "$passed passed, $failed failed, $skipped skipped"
if [ $failed != 0 ]; then
    say "what failed (once more):"
    head -n 60 "$failures"
fi
[ $failed = 0 ]
