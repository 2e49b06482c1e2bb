#!/bin/sh
# Reports on the services of a prefix: sh -s -- PREFIX STACK < this file
#
# A line for each service in the ledger: its name, the state its manager says, and JSON from the product when it answers, separated by tabs.
set -u

PREFIX=$1
LIB=$PREFIX/opt/messaging
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# shellcheck source=scripts/lib.sh
[ -f "$LIB/lib.sh" ] && . "$LIB/lib.sh"

input() {
	sed -n "s/^$1=//p" "$entry"
}

for entry in "$PREFIX/var/lib/messaging/ledger/$2"/*-service/inputs; do
	[ -f "$entry" ] || continue
	# shellcheck disable=SC2034 # the sourced scripts read them
	SUPERVISOR_VERSION=$(input SUPERVISOR_VERSION) VERSION=$(input VERSION) CONFIGS=$(input CONFIGS) DATA=$(input DATA) NAME=$(input NAME) PRODUCT=$(input PRODUCT) SCOPE=$(input SCOPE) UNIT=$(input UNIT)
	# shellcheck source=/dev/null
	. "$LIB/managers/$(input MANAGER).sh"
	# shellcheck source=/dev/null
	. "$LIB/products/${PRODUCT:-$NAME}.sh"
	config=${CONFIGS%% *}
	printf '%s\t%s\t%s\n' "$NAME" "$(manager_state "$NAME")" "$(product_status "${config%.*}" 2>/dev/null)"
done
