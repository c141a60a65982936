#!/bin/sh
# Run before the module is removed: takes out of pam.d what pam-jwt enable has put there, and
# fails where lines that were written by hand still name pam_jwt.so. Without the module they may
# let nobody in ("required"), or somebody ("sufficient" is skipped).
set -u

pam-jwt disable --all
left=$(grep -lE '^[^#]*pam_jwt\.so' /etc/pam.conf /etc/pam.d/* 2>/dev/null)
[ -n "$left" ] || exit 0
{
    echo "pam_jwt.so cannot be removed: lines that were written by hand still name it in"
    echo "$left" | sed 's/^/  /'
    echo "Take them out first, with a root shell open: without the module they may let nobody in."
} >&2
exit 1
