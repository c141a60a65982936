#!/bin/sh
# Makes the RPM packages of what `make build` has built, from this tree as it is. A distribution
# builds them from the source package, and the programs with them; here they are not built twice.
#
# Argument: the directory for them.
set -eu

out=$1
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -rf "$out"/*.rpm "$out/work"
unset DESTDIR PREFIX PAMDIR MAKEFLAGS MAKELEVEL MFLAGS

(
    cd "$here"
    # What is required of a builder is there under other names, or `make install` says so.
    rpmbuild -bb --build-in-place --nodeps --without build --target "$(uname -m)" \
        --define "_topdir $out/work" --define "_rpmdir $out" \
        --define '_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
        --define '_binary_payload w3.zstdio' \
        packaging/rpm/pam-jwt.spec
) >"$out/log" 2>&1 || {
    tail -n 40 "$out/log" >&2
    echo "rpmbuild failed; all it said is in $out/log" >&2
    exit 1
}
rm -rf "$out/work"
