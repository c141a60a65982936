#!/bin/sh
# Compiles the SELinux module against the policy headers that are here (selinux-policy-devel, or
# selinux-policy-dev on Debian) and puts pam_jwt.pp into a directory.
#
# Arguments: the directory; then the name of the policy, which is "targeted" where there is none.
set -eu

out=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here"/pam_jwt.te "$here"/pam_jwt.if "$here"/pam_jwt.fc "$work"
make --silent -C "$work" -f /usr/share/selinux/devel/Makefile NAME="${2:-targeted}" pam_jwt.pp \
    >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
}
install -D -m 0644 -t "$out" "$work/pam_jwt.pp"
