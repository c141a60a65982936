#!/bin/sh
# Stands in for the person at the keyboard: ssh runs it for every prompt, with
# the prompt as its argument. It keeps the prompt and gives the answer of the
# same number; where there is none left it fails, as a cancelled dialogue does.
cd "$(dirname "$0")" || exit 1
# To have a security key touched ssh asks for no answer, and does not wait.
[ "${SSH_ASKPASS_PROMPT-}" != none ] || exit 0
number=0
while [ -e "prompt.$number" ]; do
    number=$((number + 1))
done
printf %s "$1" >"prompt.$number"
[ -e "answer.$number" ] || exit 1
exec cat "answer.$number"
