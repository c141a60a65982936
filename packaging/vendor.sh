#!/bin/sh
# Puts the source of every crate that a build for Linux takes into a directory, so that the
# build touches no network.
#
# Arguments: the directory, which is made anew; then cargo, with the arguments it always gets.
#
# Of the crates that only other systems take, and the tests, as much is left as cargo wants to
# see of them: their import libraries and C sources would be most of it.
set -eu

vendor=$1
shift
linux="x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu armv7-unknown-linux-gnueabihf
    i686-unknown-linux-gnu riscv64gc-unknown-linux-gnu powerpc64le-unknown-linux-gnu
    s390x-unknown-linux-gnu loongarch64-unknown-linux-gnu x86_64-unknown-linux-musl
    aarch64-unknown-linux-musl"

rm -rf "$vendor"
"$@" vendor --quiet --locked --versioned-dirs "$vendor" >/dev/null

needed=$vendor/.needed
for target in $linux; do
    "$@" tree --quiet --frozen --workspace --exclude pam-jwt-tests --target "$target" \
        --edges normal,build --prefix none --format '{p}'
done | sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1-\2/p' | sort -u >"$needed"

for crate in "$vendor"/*; do
    ! grep -qxF "${crate##*/}" "$needed" || continue
    # The sum of the package stays, which Cargo.lock has as well.
    package=$(grep -o '"package":"[0-9a-f]*"' "$crate/.cargo-checksum.json")
    find "$crate" -mindepth 1 ! -path "$crate/Cargo.toml" -delete
    # cargo goes by the manifest, and wants what it names to be there.
    sed -n 's/^path = "\(.*\.rs\)"$/\1/p' "$crate/Cargo.toml" | while read -r file; do
        mkdir -p "$crate/$(dirname "$file")"
        : >"$crate/$file"
    done
    mkdir -p "$crate/src"
    : >>"$crate/src/lib.rs"
    printf '{"files":{},%s}' "$package" >"$crate/.cargo-checksum.json"
done
rm "$needed"
