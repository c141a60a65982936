#!/bin/sh
# Makes a tar file of a small Debian, which tests boot (tests/machine/booted.rs), or whose
# programs they run. Several may be made at once.
#
# Arguments: the release's code name, then the file.
#
# The mirror is the one that apt has packages from, or else debootstrap's own. Where
# none can be had the reason is written beside, for the tests to fail with.
set -eu

release=$1
tar=$2
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

mkdir -p "$(dirname "$tar")"
rm -f "$not_made"
PATH=$PATH:/usr/sbin:/sbin
command -v debootstrap >/dev/null || cannot "there is no debootstrap here; install it, and run make test again"

uri=
if command -v apt-get >/dev/null; then
    # Without package lists apt does not know whose packages they are. It does not wait for
    # another that fetches them.
    (
        flock 9
        apt-get indextargets --format '$(ORIGIN)' | grep -q . || as_root apt-get update
    ) 9>"$(dirname "$tar")/apt.lock"
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
