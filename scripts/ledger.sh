# shellcheck shell=sh disable=SC2034 # the sourced scripts read the names
# The services in a stack's ledger, for programs that are sent to a host and are no tasks. Input: PREFIX, STACK.

LIB=$PREFIX/opt/messaging
WORK=$(mktemp -d "${TMPDIR:-/tmp}/messaging.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
# shellcheck source=scripts/lib.sh
[ ! -f "$LIB/lib.sh" ] || . "$LIB/lib.sh"

# Entries of services, a path each.
service_entries() {
	for entry in "$PREFIX/var/lib/messaging/ledger/$STACK"/*-service/inputs; do
		[ ! -f "$entry" ] || printf '%s\n' "$entry"
	done
}

input() {
	sed -n "s/^$1=//p" "$entry"
}

# Takes the inputs of an entry, and the functions of its manager and of its product. In a subshell: the next entry has others.
load_service() {
	entry=$1
	SUPERVISOR_VERSION=$(input SUPERVISOR_VERSION) VERSION=$(input VERSION) CONFIGS=$(input CONFIGS) DATA=$(input DATA) NAME=$(input NAME)
	PRODUCT=$(input PRODUCT) MANAGER=$(input MANAGER) SCOPE=$(input SCOPE) UNIT=$(input UNIT) JOURNAL=$(input JOURNAL) DEFINITION=$(input DEFINITION)
	ENGINE=$(input ENGINE) NETWORK=$(input NETWORK) VOLUMES=$(input VOLUMES)
	# Entries of an earlier format name a service as its product.
	: "${PRODUCT:=$NAME}"
	config=${CONFIGS%% *}
	CONFIG=${config%.*}
	# shellcheck source=/dev/null
	. "$LIB/managers/$MANAGER.sh"
	# shellcheck source=/dev/null
	. "$LIB/products/$PRODUCT.sh"
}

# The file system of a directory, or of the nearest one above it that exists: its mount point, bytes and bytes available, separated by tabs.
space() {
	existing=$1
	until [ -d "$existing" ]; do existing=$(dirname "$existing"); done
	df -Pk "$existing" | awk -v directory="$1" 'NR == 2 {
		mount = $6
		for (i = 7; i <= NF; i++) mount = mount " " $i
		printf "space\t%s\t%s\t%.0f\t%.0f\n", directory, mount, $2 * 1024, $4 * 1024
	}'
}
