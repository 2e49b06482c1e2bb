#!/bin/sh
# Runs the tests: run.sh fast (no engine, no servers, under a minute) or run.sh all.
set -eu
cd "$(dirname "$0")/.."

case ${1:-} in
fast) suites="unit setup policies" ;;
all) suites="unit setup policies scripts contract pipelines preview policies/engine e2e ssh" ;;
*)
	echo "usage: run.sh fast|all" >&2
	exit 2
	;;
esac

sh test/prepare.sh
sh test/lint.sh
for suite in $suites; do
	set -- "$@" "test/$suite"/*.test.ts
done
shift
exec node --import tsx --test --test-concurrency 2 --test-reporter spec "$@"
