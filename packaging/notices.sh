#!/bin/sh
# Prints whose crates the programs are made of: each with its version and licence, then the texts
# of the licences and notices that come with them, each once. The same crates print the same.
#
# Argument: the directory that packaging/vendor.sh has made. What it has emptied is left out.
set -eu
export LC_ALL=C

cd "$1"
texts=$(mktemp -d)
trap 'rm -r "$texts"' EXIT

# field NAME MANIFEST: what [package] says, which comes first.
field() {
    sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" "$2" | head -n 1
}

echo "The programs of pam-jwt are made of these crates besides its own. The texts follow."
echo
for manifest in */Cargo.toml; do
    crate=${manifest%/*}
    kept=$(find "$crate" -type f -size +0 ! -path "$manifest" ! -name .cargo-checksum.json \
        -print -quit)
    [ -n "$kept" ] || continue
    licence=$(field license "$manifest")
    echo "$(field name "$manifest") $(field version "$manifest"): ${licence:-see its text}"
    find "$crate" -type f ! -name '*.rs' \( -iname 'licen[cs]e*' -o -iname 'copying*' \
        -o -iname 'copyright*' -o -iname 'notice*' -o -iname 'unlicense*' \) | sort |
        while read -r file; do
            # Ends of lines and blanks at them make no other text.
            sed 's/[[:space:]]*$//' "$file" >"$texts/new"
            sum=$(sha256sum "$texts/new" | cut -d ' ' -f 1)
            [ -e "$texts/$sum" ] || echo "$sum" >>"$texts/order"
            mv "$texts/new" "$texts/$sum"
            echo "$file" >>"$texts/$sum.files"
        done
done

while read -r sum; do
    printf '\n%s\n' "$(printf '%80s' '' | tr ' ' -)"
    cat "$texts/$sum.files"
    echo
    cat "$texts/$sum"
done <"$texts/order"
