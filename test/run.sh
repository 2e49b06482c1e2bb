#!/bin/sh
# Runs the tests: run.sh fast (no engine, no servers, under a minute) or run.sh all, which ends with the tables of all edits by hand that the suites made, and
# of the checks that every target passes.
set -eu
cd "$(dirname "$0")/.."

which=${1:-}
case $which in
fast) suites="unit setup policies" ;;
all) suites="unit setup policies scripts contract pipelines preview policies/engine e2e docker ssh bare" ;;
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
DRIFT_RESULTS=$(mktemp) TARGET_RESULTS=$(mktemp)
export DRIFT_RESULTS TARGET_RESULTS
trap 'rm -f "$DRIFT_RESULTS" "$TARGET_RESULTS"' EXIT
node --import tsx --test --test-concurrency 3 --test-reporter spec "$@"
if [ "$which" = all ]; then
	node --import tsx test/target-table.ts "$TARGET_RESULTS"
	node --import tsx test/drift-table.ts "$DRIFT_RESULTS"
fi
