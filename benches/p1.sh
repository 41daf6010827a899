#!/bin/sh
# P1 beside libsodium: the two programs take turns, the smallest times are compared. Needs gcc and libsodium23.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! cc -O2 benches/peers/p1_libsodium.c -o "$work/sodium" -l:libsodium.so.23; then
    echo "p1: needs a C compiler and libsodium.so.23 (Debian: gcc libsodium23)" >&2
    exit 1
fi
cargo bench -q --bench p1_hash -- --terse >/dev/null
for _ in 1 2 3 4 5; do
    cargo bench -q --bench p1_hash -- --terse >>"$work/times"
    "$work/sodium" 10 >>"$work/times"
done
awk '
    !($1 in least) || $2 < least[$1] { least[$1] = $2 }
    function row(of, to, name, bar,    ratio) {
        ratio = least[of "-" name] / least[to "-" name]
        printf "%-8s %s %.2f ms  %s %.2f ms  ratio %.3f  bar %.2f  %s\n", name, of, least[of "-" name], to,
            least[to "-" name], ratio, bar, ratio <= bar ? "within" : "ABOVE"
    }
    END {
        row("pool-fresh", "call-fresh", "46MiB-t1", 0.60)
        row("pool-fresh", "call-fresh", "19MiB-t2", 0.65)
        row("pool-fresh", "sodium", "46MiB-t1", 1.00)
        row("pool-fresh", "sodium", "19MiB-t2", 1.00)
    }' "$work/times"
