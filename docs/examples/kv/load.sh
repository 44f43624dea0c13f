#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# load.sh KV THREADS REQUESTS: starts the service on a free port, loads it with redis-benchmark (so
# many requests one by one, then four times as many, 16 at once), and stops it with TERM, at which
# it has to end well. Called by `./dev run`; what the service says is kept in build/kv.log.
set -euo pipefail
readonly program=$1 threads=$2 requests=$3 log=build/kv.log

fail() {
    tail -n 20 "$log" >&2
    printf 'load.sh: %s, see %s\n' "$*" "$log" >&2
    exit 1
}

# Sets `server` and `port`.
start_server() {
    : >"$log"
    "$program" --port 0 --threads "$threads" >"$log" 2>&1 </dev/null &
    server=$!
    trap 'kill -TERM "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
    for _ in $(seq 100); do
        port=$(sed -n 's/.*listening on .*:\([0-9][0-9]*\).*/\1/p' "$log" | head -n 1)
        if [[ -n $port ]]; then return; fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    fail "the service did not come up"
}

# load REQUESTS PIPELINE: one line for SET and one for GET.
load() {
    redis-benchmark -p "$port" -t set,get -c 50 -n "$1" -P "$2" -r 100000 --csv </dev/null |
        awk -F'","' -v pipeline="$2" '/^"(SET|GET)"/ {
            gsub(/"/, "")
            split($0, field, ",")
            printf "%-8s %8d %14.0f %9.3f %9.3f\n", field[1], pipeline, field[2], field[5], field[7]
            lines++
        } END { exit lines != 2 }' || fail "redis-benchmark did not finish"
}

start_server
printf '== the key-value service runs on %s threads, port %s; redis-benchmark, 50 connections\n' \
    "$threads" "$port"
printf '%-8s %8s %14s %9s %9s\n' command pipeline requests/s 'p50 ms' 'p99 ms'
load "$requests" 1
load $((requests * 4)) 16
kill -TERM "$server"
status=0
wait "$server" || status=$?
trap - EXIT
printf '== stopped with TERM, exit status %s\n' "$status"
if ((status != 0)); then fail "the service did not end well"; fi
