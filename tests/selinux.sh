#!/bin/sh
# Makes one policy of Debian's SELinux modules and ours, for sesearch to be asked. Nothing of it is
# installed: the modules are taken out of their package. What is there of just this is not made
# again.
#
# Argument: the directory, where it is in the end as "policy".
set -eu

out=$1
here=$(cd "$(dirname "$0")/.." && pwd)
made=$(cat "$here"/tests/selinux.sh "$here"/packaging/selinux/* | sha256sum)
[ "$made" != "$(cat "$out/made" 2>/dev/null)" ] || exit 0

mkdir -p "$out"
cd "$out"
rm -rf made store policy
if [ ! -d package/usr ]; then
    apt-get --quiet download selinux-policy-default >log 2>&1 || {
        cat log >&2
        exit 1
    }
    dpkg-deb --extract selinux-policy-default_*.deb package
    rm selinux-policy-default_*.deb
fi
mkdir -p store/etc/selinux store/var/lib/selinux
cp -R package/etc/selinux/default store/etc/selinux
cp /etc/selinux/semanage.conf store/etc/selinux
sh "$here/packaging/selinux/build.sh" "$out" default
semodule --noreload --path "$out/store" --store default --install \
    package/usr/share/selinux/default/*.pp.bz2 pam_jwt.pp >log 2>&1 || {
    cat log >&2
    exit 1
}
mv store/etc/selinux/default/policy/policy.* policy
rm -rf store
echo "$made" >made
