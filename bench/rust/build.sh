#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# build.sh CARGO BENCH CRATES ALLOCATOR PRIVATE OUTPUT...: builds the contenders in Rust with the
# crates that are installed in the folder CRATES, and with nothing from the network. ALLOCATOR:
# jemalloc, which then is linked as into the programs in C++, or libc. An output is called
# scheduler-<workload>-tokio; its source is BENCH/<workload>/tokio.rs. Where crates and compiler do
# not fit each other, the outputs are empty files, which nobody runs.
set -eu
cargo=$1
bench=$(realpath "$2")
crates=$3
allocator=$4
mkdir -p "$5"
private=$(realpath "$5")
shift 5

{
    printf '[package]\nname = "contenders"\nversion = "0.0.0"\nedition = "2021"\n'
    printf '[features]\ndefault = [%s]\njemalloc = []\n' \
        "$([ "$allocator" != jemalloc ] || echo '"jemalloc"')"
    printf '[dependencies.tokio]\nversion = "1"\n'
    printf 'features = ["io-util", "net", "rt-multi-thread", "sync", "time"]\n'
    for output in "$@"; do
        name=$(basename "$output")
        workload=${name#scheduler-}
        printf '[[bin]]\nname = "%s"\npath = "%s/%s/tokio.rs"\n' "$name" "$bench" \
            "${workload%-tokio}"
    done
} >"$private/Cargo.toml"

version=$(basename "$(echo "$crates"/tokio-1.*)")
EXEUNT_TOKIO=${version#tokio-}
EXEUNT_RUSTC=$(rustc --version | cut -d ' ' -f 2)
export EXEUNT_TOKIO EXEUNT_RUSTC
if ! "$cargo" build --quiet --offline --release --manifest-path "$private/Cargo.toml" \
    --target-dir "$private/target" \
    --config 'source.crates-io.replace-with="here"' \
    --config "source.here.directory=\"$crates\""; then
    echo 'Tokio does not build here: left out' >&2
    for output in "$@"; do
        rm -f "$output"
        : >"$output"
    done
    exit
fi
for output in "$@"; do
    cp -f "$private/target/release/$(basename "$output")" "$output"
done
