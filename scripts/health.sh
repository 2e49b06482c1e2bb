#!/bin/bash
# Asks the server in a container whether it is well: health.sh PORT PATH [FILE WITH A TOKEN]. For bash, because images have no program that speaks HTTP.
set -eu

exec 3<>"/dev/tcp/127.0.0.1/$1"
token=''
if [ -n "${3:-}" ]; then token="Authorization: Bearer $(cat "$3")"$'\r\n'; fi
printf 'GET %s HTTP/1.0\r\n%s\r\n' "$2" "$token" >&3
read -r _ status _ <&3
# 401 says as well that it answers: it asks who wants to know.
[ "$status" = 200 ] || [ "$status" = 401 ]
