#!/bin/sh
# Starts a service in the environment of a file: start.sh PID-FILE ENVIRONMENT-FILE COMMAND [ARGUMENT ...]. The process keeps the id that it writes down.
set -eu

printf '%s\n' "$$" >"$1"
set -a
# shellcheck source=/dev/null
. "$2"
set +a
shift 2
exec "$@"
