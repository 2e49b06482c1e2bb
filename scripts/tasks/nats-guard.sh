# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# Only asked, never applied: why the streams and the server as they are to be, taken together, must not be applied to what is on this host.
#
# URL
# VERSION, STORE_DIR    of the server that is going to run
# MAX_MEM, MAX_FILE     what it will let streams reserve, in bytes
# PROOF_BYTES           what the temporary file stream of its proof reserves
# body                  storage, name and max_bytes of each declared stream, a line each

# shellcheck source=scripts/products/nats-server.sh
. "$LIB/products/nats-server.sh"
# shellcheck source=scripts/jetstream.sh
. "$LIB/jetstream.sh"

# JetStream reserves max_bytes of each stream. The server restarts first, then streams change one by one in no order to rely on, and what is not declared goes last, if at all: so at
# some moment each stream may have the larger of what it has and what it is to have, and all of them together must fit.
reservation_refusals() {
	jetstream_streams LIST .config >"$WORK/streams"
	"$gojq" -r -n --slurpfile live "$WORK/streams" --rawfile declared "$WORK/body" --argjson memory "$MAX_MEM" --argjson file "$MAX_FILE" --argjson proof "$PROOF_BYTES" '
		[$declared | splits("\n") | select(. != "") | split(" ") | { storage: .[0], name: .[1], new: (.[2] | tonumber) }] as $declared
		| ({ storage: "memory", max: $memory, reserve: 0, key: "maxMemoryStore" }, { storage: "file", max: $file, reserve: $proof, key: "maxFileStore" }) as $store
		| [$declared[] | select(.storage == $store.storage)] as $ours
		| [$live[] | select(.storage == $store.storage and .max_bytes > 0) | { name, old: .max_bytes }
			| .new = ([.name as $name | $ours[] | select(.name == $name) | .new] | first // 0)] as $theirs
		| ([$ours[].new] | add // 0) as $sum
		| [$theirs[] | select(.old > .new)] as $more
		| ($sum + $store.reserve + ([$more[] | .old - .new] | add // 0)) as $total
		| select($total > $store.max and $more != [])
		| "messaging:nats.streams: \($store.storage) streams would reserve \($total) bytes while this is applied, jetstream.\($store.key) is \($store.max): declared \($sum)"
			+ ([$more[] | if .new == 0 then "; \(.name), not declared, \(.old)" else "; \(.name), before it is lowered, \(.old)" end] | add)
			+ ". Make room in an up of its own first (lower or remove these), or raise jetstream.\($store.key)"'
}

refusals() {
	store_refusals "$STORE_DIR"
	reservation_refusals
}
