#!/bin/sh
# Starts a service in the environment of a file: start.sh PID-FILE ENVIRONMENT-FILE[:ENVIRONMENT-FILE] COMMAND [ARGUMENT ...]. The process keeps the id that it writes down.
set -eu

printf '%s\n' "$$" >"$1"
set -a
IFS=:
for environment in $2; do
	# shellcheck source=/dev/null
	. "$environment"
done
unset IFS environment
set +a
shift 2
exec "$@"
