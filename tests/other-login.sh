#!/bin/sh
# Makes a tar file of a small Debian whose login is the one that this machine's is
# not: util-linux's (since trixie) where it is shadow's, and shadow's (bookworm)
# where it is util-linux's. tests/hosts/login.rs tries both.
#
# The mirror is the one that apt has packages from. Where there is none, because
# this is no Debian, the reason is written beside, for the test to say.
set -eu

tar=$1
not_made=${tar%.tar}.not-made
root=$tar.root

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

case $(login --version 2>&1) in
*util-linux*) release=bookworm ;;
*) release=trixie ;;
esac

uri=
if command -v apt-get >/dev/null; then
    # Without package lists apt does not know whose packages they are.
    apt-get indextargets --format '$(ORIGIN)' | grep -q . || as_root apt-get update
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
        'Origin: Debian' 'Label: Debian' 'Component: main' | head -n 1)
fi
mkdir -p "$(dirname "$tar")"
if [ -z "$uri" ]; then
    echo "the login of Debian $release: apt has no mirror of Debian's here" | tee "$not_made" >&2
    exit
fi
rm -f "$not_made"

eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
[ -z "${http_proxy-}" ] || export http_proxy
[ -z "${https_proxy-}" ] || export https_proxy

trap 'as_root rm -rf "$root" "$tar.part"' EXIT
trap 'exit 1' HUP INT TERM
as_root debootstrap --variant=minbase --include=login,passwd,libpam-modules,util-linux "$release" "$root" "$uri" || {
    [ ! -e "$root/debootstrap/debootstrap.log" ] || tail "$root/debootstrap/debootstrap.log" >&2
    exit 1
}
as_root tar -C "$root" --one-file-system --exclude='./dev/*' --exclude='./var/cache/apt/*' \
    --exclude='./var/lib/apt/lists/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*' \
    --exclude='./usr/share/man/*' -cf "$tar.part" .
mv "$tar.part" "$tar"
