#!/bin/sh
# Makes the Debian packages, from this tree as it is, in a directory of its own, where their
# source package, their .changes and their .buildinfo end up as well. Where they are already
# there of just this tree, nothing is done.
#
# Arguments: the directory; then cargo, with the arguments it always gets.
set -eu

out=$1
shift
here=$(cd "$(dirname "$0")/.." && pwd)
name=pam-jwt
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$here/packaging/debian/changelog")
upstream=${version%-*}
# A commit's date is not the package's: dpkg takes that of the changelog.
unset SOURCE_DATE_EPOCH DESTDIR PREFIX PAMDIR MAKEFLAGS MAKELEVEL MFLAGS
date=$(cd "$here/packaging" && dpkg-parsechangelog --show-field Timestamp)

# pack FILE DIRECTORY: a tar file that is the same wherever and whenever it is made.
pack() {
    tar --create --directory "$(dirname "$2")" --sort=name --mtime="@$date" --owner=0 --group=0 \
        --numeric-owner --mode=u=rwX,go=rX --format=posix --pax-option=delete=atime,delete=ctime \
        "$(basename "$2")" | xz -1 -T2 >"$1.part"
    mv "$1.part" "$1"
}

mkdir -p "$out"
out=$(cd "$out" && pwd)
new=$out/new
rm -rf "$new"
tree=$new/$name-$upstream
mkdir -p "$tree"
(cd "$here" && git -c safe.directory="$here" ls-files -z --cached --others --exclude-standard |
    tar --create --null --files-from=- --ignore-failed-read 2>/dev/null) | tar --extract --directory "$tree"
orig=${name}_$upstream.orig.tar.xz
crates=${name}_$upstream.orig-vendor.tar.xz
pack "$new/$orig" "$tree"

if cmp -s "$new/$orig" "$out/$orig" && [ -e "$out/built" ]; then
    rm -rf "$new"
    ls "$out"/*.deb
    exit
fi
rm -f "$out/built"
mv "$new/$orig" "$out/$orig"

# Another Cargo.lock, or another way to vendor it, is another set of crates.
lock=$(cat "$here/Cargo.lock" "$here/packaging/vendor.sh" | sha256sum)
if [ ! -e "$out/$crates" ] || [ "$lock" != "$(cat "$out/vendored" 2>/dev/null)" ]; then
    rm -f "$out/vendored"
    sh "$here/packaging/vendor.sh" "$new/vendor" "$@"
    pack "$out/$crates" "$new/vendor"
    echo "$lock" >"$out/vendored"
fi

# As from a mirror: unpacked from the tar files alone.
rm -rf "$tree" "$new/vendor"
tar --extract --file "$out/$orig" --directory "$new"
tar --extract --file "$out/$crates" --directory "$tree"
cp -R "$tree/packaging/debian" "$tree/debian"
ln "$out/$orig" "$out/$crates" "$new"

# Debian's own cargo will do once it is new enough; until then one that rustup has is taken.
profiles=
dpkg-query --show cargo >/dev/null 2>&1 &&
    dpkg --compare-versions "$(dpkg-query --show --showformat='${Version}' cargo)" ge 1.94 ||
    profiles=pkg.pam-jwt.rustup
# That nothing is fetched is seen to, where this user may do that.
offline=
! unshare --net true 2>/dev/null || offline="unshare --net"
(
    cd "$tree"
    PATH=$(dirname "$(command -v "$1")"):$PATH
    export PATH
    $offline dpkg-buildpackage --no-sign --build-profiles="$profiles"
) >"$out/log" 2>&1 || {
    tail -n 40 "$out/log" >&2
    echo "dpkg-buildpackage failed; all it said is in $out/log" >&2
    exit 1
}
rm -f "$out"/*.deb "$out"/*.dsc "$out"/*.changes "$out"/*.buildinfo "$out"/*.debian.tar.xz
mv "$new"/*.deb "$new"/*.dsc "$new"/*.changes "$new"/*.buildinfo "$new"/*.debian.tar.xz "$out"
rm -rf "$new"
touch "$out/built"
ls "$out"/*.deb
