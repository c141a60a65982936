#!/bin/sh
# Run before the module is removed: takes out of pam.d what pam-jwt enable has put there, and
# fails, with nothing changed, where lines of somebody's own hand name pam_jwt.so. Without the
# module they may let nobody in ("required"), or somebody ("sufficient" is skipped).
set -u

left=$(for file in /etc/pam.conf /etc/pam.d/*; do
    case $file in *~ | *.bak | *.saved | *.orig | *.pacsave | *.pacnew | *.apk-new) continue ;; esac
    [ ! -f "$file" ] || ! grep -v '# by pam-jwt enable$' "$file" | grep -q '^[^#]*pam_jwt\.so' ||
        echo "  $file"
done)
if [ -n "$left" ]; then
    {
        echo "pam_jwt.so cannot be removed: lines of your own name it in"
        echo "$left"
        echo "Take them out first, with a root shell open: without the module they may let nobody in."
    } >&2
    exit 1
fi
exec pam-jwt disable --all
