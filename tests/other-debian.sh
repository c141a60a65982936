#!/bin/sh
# Makes a tar file of a small Debian of the other release: trixie where this machine's
# login is shadow's, as bookworm's is, and bookworm where it is util-linux's.
# tests/hosts/login.rs tries its login; tests/hosts/other_debian.rs boots it and tries its
# OpenSSH.
#
# The mirror is the one that apt has packages from, or else debootstrap's own. Where
# none can be had the reason is written beside, for the tests to fail with.
set -eu

tar=$1
not_made=${tar%.tar}.not-made
root=$tar.root

# A machine that boots, whose sshd and sudo take tokens, what goes over ssh, and make,
# with which pam-jwt is installed.
packages=login,passwd,libpam-modules,util-linux
packages=$packages,systemd,systemd-sysv,dbus,libpam-systemd
packages=$packages,openssh-server,openssh-client,sudo,rsync,git,make

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

cannot() {
    echo "Debian $release: $1" | tee "$not_made" >&2
    exit
}

case $(login --version 2>&1) in
*util-linux*) release=bookworm ;;
*) release=trixie ;;
esac

mkdir -p "$(dirname "$tar")"
rm -f "$not_made"
PATH=$PATH:/usr/sbin:/sbin
command -v debootstrap >/dev/null || cannot "there is no debootstrap here; install it, and run make test again"

uri=
if command -v apt-get >/dev/null; then
    # Without package lists apt does not know whose packages they are.
    apt-get indextargets --format '$(ORIGIN)' | grep -q . || as_root apt-get update
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
        'Origin: Debian' 'Label: Debian' 'Component: main' | head -n 1)
    eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
    [ -z "${http_proxy-}" ] || export http_proxy
    [ -z "${https_proxy-}" ] || export https_proxy
fi

trap 'as_root rm -rf "$root" "$tar.part"' EXIT
trap 'exit 1' HUP INT TERM
# Unasked, debootstrap takes the packages' word for it where it finds no keyring.
as_root debootstrap --variant=minbase --force-check-gpg --include="$packages" "$release" "$root" $uri || {
    [ ! -e "$root/debootstrap/debootstrap.log" ] || tail "$root/debootstrap/debootstrap.log" >&2
    cannot "debootstrap failed, which make test shows; it takes a mirror that can be reached and Debian's keyring (debian-archive-keyring)"
}
as_root tar -C "$root" --one-file-system --exclude='./dev/*' --exclude='./var/cache/apt/*' \
    --exclude='./var/lib/apt/lists/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*' \
    --exclude='./usr/share/man/*' -cf "$tar.part" .
mv "$tar.part" "$tar"
