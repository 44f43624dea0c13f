#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# build.sh GO OUTPUT SOURCE: builds one contender, with nothing from the network. The sources of a
# folder in C++ are none of Go's business, so the one file is named. Where it does not build the
# output is an empty file, which nobody runs.
set -eu
go=$1
output=$(realpath "$2")
source=$(realpath "$3")
cd "$(dirname "$source")"
export GO111MODULE=on GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=
if ! "$go" build -o "$output" "$(basename "$source")"; then
    echo "$(basename "$output") does not build here: left out" >&2
    rm -f "$output"
    : >"$output"
fi
