# shellcheck shell=sh disable=SC2016,SC2153,SC2154 # jq programs have $variables; inputs come from task.sh
# What is particular to nats-server: checking a config, health, and the values in effect.

gojq=$PREFIX/opt/gojq/current/gojq

# Value of a key of our rendered config, which has one key per line.
config_value() {
	sed -n "s/^ *$2: *\"\{0,1\}\([^\" ]*\)\"\{0,1\}\( *#.*\)\{0,1\}\$/\1/p" "$1"
}

# Where the host reaches a listener: in a container it is on every address.
address_of() {
	config_value "$1" "$2" | sed 's/^0\.0\.0\.0:/127.0.0.1:/'
}

monitoring_url() {
	say "http://$(address_of "$1" http)"
}

# One JSON document on the running server, for `npm run status`; counters since its start.
product_status() {
	http_get "$(monitoring_url "$1")/varz" 2 >"$WORK/varz" || return 1
	http_get "$(monitoring_url "$1")/jsz?streams=true&consumers=true&config=true" 2 >"$WORK/jsz" || return 1
	"$gojq" -c -n --slurpfile varz "$WORK/varz" --slurpfile jsz "$WORK/jsz" --arg client "$(address_of "$1" listen)" '
		$varz[0] as $server | [$jsz[0].account_details[]?.stream_detail[]?] as $streams
		| {
			version: $server.version,
			endpoint: "nats://\($client)",
			received: { messages: $server.in_msgs, bytes: $server.in_bytes },
			sent: { messages: $server.out_msgs, bytes: $server.out_bytes },
			connections: $server.connections,
			subscriptions: $server.subscriptions,
			slowConsumers: $server.slow_consumers,
			streams: [$streams[] | {
				name,
				received: .state.last_seq,
				messages: .state.messages,
				bytes: .state.bytes,
				maxBytes: (.config.max_bytes | if . > 0 then . else null end)
			}],
			consumers: [$streams[] | .name as $stream | .consumer_detail[]? | {
				stream: $stream,
				name,
				sent: .delivered.consumer_seq,
				lag: .num_pending,
				unacknowledged: .num_ack_pending,
				redelivered: .num_redelivered
			}]
		}'
}

# Streams, and durable consumers of our streams, that the ledger does not have.
product_unmanaged() {
	http_get "$(monitoring_url "$1")/jsz?streams=true&consumers=true&config=true" 2 >"$WORK/jsz" || return 0
	for entry in "${ENTRY%/*}"/*-nats-streams/inputs; do
		if [ -f "$entry" ]; then sed '1,/^$/d' "$entry" | cut -d ' ' -f 1 | uniq; fi
	done >"$WORK/declared"
	"$gojq" -r --rawfile declared "$WORK/declared" '
		($declared | split("\n") | map(select(. != "") | { key: ., value: true }) | from_entries) as $declared
		| .account_details[]?.stream_detail[]? | .name as $stream
		| if $declared["stream/\($stream)"] then
			.consumer_detail[]? | select(.config.durable_name) | "consumer/\($stream)/\(.name)" | select($declared[.] | not)
		  else "stream/\($stream) with \(.state.messages) messages (\(.state.bytes) bytes)" end' "$WORK/jsz"
}

# The nats CLI on the running server.
server_cli() {
	nats_cli "nats://$(address_of "$CONFIG" listen)" "$@" </dev/null
}

# Streams with messages and consumers, over NATS, while the server runs.
product_backup() {
	names=$(server_cli stream ls --all --names)
	[ -n "$names" ] || return 0
	server_cli account backup --consumers --force "$1" >"$WORK/backup" 2>&1 || fail "nats account backup: $(cat "$WORK/backup")"
	for name in $names; do say "stream/$name"; done
}

# Streams come back whole, with the config that they had; one that is there may be empty only, and makes room.
product_restore() {
	for stream in "$1"/*/; do
		stream=$(basename "$stream")
		held=$(server_cli stream info "$stream" --json 2>/dev/null | "$gojq" .state.messages) || held=
		[ "${held:-0}" = 0 ] || say "stream/$stream holds $held messages"
	done >"$WORK/held"
	[ ! -s "$WORK/held" ] || fail "nothing was restored: streams that hold messages are not replaced
$(cat "$WORK/held")"
	for stream in "$1"/*/; do
		name=$(basename "$stream")
		if server_cli stream info "$name" >/dev/null 2>&1; then server_cli stream rm -f "$name" >/dev/null; fi
		server_cli stream restore --no-progress "${stream%/}" >"$WORK/restore" 2>&1 || fail "stream/$name: nats stream restore: $(cat "$WORK/restore")"
		say "stream/$name with $(server_cli stream info "$name" --json | "$gojq" .state.messages) messages"
	done
}

# The last version that served a store, written there because the store outlives everything else.
store_version() {
	cat "$1/nats-server-version" 2>/dev/null
}

# Has the store streams on disk?
store_has_streams() {
	for stream in "$1"/jetstream/*/streams/*/; do
		if [ -d "$stream" ]; then return; fi
	done
	return 1
}

# Lines that say why VERSION must not serve a store. The format on disk changes between minor releases, and NATS supports going back one patch release
# (https://docs.nats.io/running-a-nats-service/nats_admin/upgrading_cluster#downgrading).
store_refusals() {
	last=$(store_version "$1") || return 0
	if is_earlier_minor "$VERSION" "$last" && store_has_streams "$1"; then
		say "nats-server $VERSION must not serve the streams in $1: $last has written them, and NATS reads what a later minor release wrote at your own risk only. Keep ${last%.*}; or save them (nats stream backup), stop, move $1/jetstream away, run up with $VERSION and restore them (nats stream restore)."
	fi
}

# Without accounts of its own a server has its streams in the account $G, which has no JetStream beside others. They go along when accounts come or go; the
# server must not run.
product_before_restart() {
	store=$(config_value "$1" store_dir)/jetstream
	from="$store/MESSAGING" to="$store/\$G"
	if grep -q '^include ' "$1"; then from="$store/\$G" to="$store/MESSAGING"; fi
	[ -d "$from/streams" ] || return 0
	manager_stop "$NAME"
	rmdir "$to/streams" "$to" 2>/dev/null || :
	if [ -e "$to" ]; then fail "$NAME: streams are in $from and in $to; move one of them away"; fi
	mv "$from" "$to"
}

product_refusals() {
	store_refusals "$(config_value "$1" store_dir)"
}

product_proven() {
	say "$VERSION" >"$(config_value "$1" store_dir)/nats-server-version"
}

# Refuses what nats-server refuses, and what `-t` does not see but the start would.
product_check() {
	"$PREFIX/opt/nats-server/${VERSION:?}/nats-server" -t -c "$1" || return 1
	if [ "$(config_value "$1" max_payload)" -gt "$(config_value "$1" max_pending)" ]; then
		say "max_payload is above max_pending"
		return 1
	fi
	store=$(config_value "$1" store_dir)
	if ! [ -w "$store" ]; then
		say "store_dir $store is not writable for $(id -un)"
		return 1
	fi
}

# Does the server take over every line that differs between two configs on SIGHUP? Our rendered config says so on each line; some values only when raised.
product_reloads() {
	compare_lines "$1" "$2" >"$WORK/changed-lines"
	awk '
		/# reload$/ { next }
		/# reload when raised$/ { raised[$2] += $1 == "found:" ? $3 : -$3; next }
		{ restart = 1 }
		END {
			for (key in raised) if (raised[key] < 0) restart = 1
			exit restart
		}' "$WORK/changed-lines"
}

# Changes with every config that the server has taken over; it answers a refused reload with nothing but a line in its log.
product_loaded() {
	http_get "$(monitoring_url "$1")/varz" 2 | "$gojq" -r .config_load_time
}

product_ready() {
	[ -f "$1" ] && http_get "$(monitoring_url "$1")/healthz" 2 2>/dev/null | grep -q '"ok"'
}

# Files that the server reads besides a config.
read_besides() {
	if grep -q '^include ' "$1"; then say "${1%/*}/accounts.conf"; fi
	if grep -q '^tls ' "$1"; then config_value "$1" cert_file; fi
}

# Has the server read them since they were written? The second argument is the time of its last load, ISO 8601.
read_in_effect() {
	[ -n "$(read_besides "$1")" ] || return 0
	# BusyBox takes seconds since 1970 only, and the time of a load has a fraction.
	touch -d "$2" "$WORK/loaded" 2>/dev/null || touch -d "@$("$gojq" -n --arg time "$2" '$time | sub("\\..*Z$"; "Z") | fromdate + 1')" "$WORK/loaded"
	read_besides "$1" | while IFS= read -r file; do
		if [ -n "$(find "$file" -newer "$WORK/loaded")" ]; then say "$file as it was before"; else say "$file"; fi
	done
}

# The limits that a config and a service definition ask for, a line each.
product_wanted() {
	say "version $VERSION"
	read_besides "$1"
	awk -v keys='server_name max_connections max_subscriptions max_payload max_pending write_deadline store_dir max_mem max_file sync_interval' '
		sub(/:$/, "", $1) { gsub(/"/, "", $2); value[$1] = $2 }
		END { count = split(keys, key, " "); for (i = 1; i <= count; i++) print key[i], value[key[i]] }' "$1"
	# KEY=value in the definitions of supervisord and systemd, an element after its key in launchd's.
	say "GOMEMLIMIT $(sed -n -e 's/.*GOMEMLIMIT="\{0,1\}\([0-9]*\).*/\1/p' -e '/<key>GOMEMLIMIT</{n;s/[^0-9]*\([0-9]*\).*/\1/p;}' "$2")"
}

# The same lines as the running server reports them. JetStream's come from jsz: varz keeps those of the start, a reload notwithstanding.
product_effective() {
	url=$(monitoring_url "$1")
	http_get "$url/varz" 2 >"$WORK/varz" || return 1
	http_get "$url/jsz" 2 >"$WORK/jsz" || return 1
	read_in_effect "$1" "$("$gojq" -r .config_load_time "$WORK/varz")"
	"$gojq" -r --slurpfile jsz "$WORK/jsz" '
		$jsz[0].config as $jetstream
		| "version \(.version)",
		"server_name \(.server_name)",
		"max_connections \(.max_connections)",
		"max_subscriptions \(.max_subscriptions)",
		"max_payload \(.max_payload)",
		"max_pending \(.max_pending)",
		"write_deadline \(.write_deadline / 1000000)ms",
		"store_dir \($jetstream.store_dir | sub("/jetstream$"; ""))",
		"max_mem \($jetstream.max_memory)",
		"max_file \($jetstream.max_storage)",
		"sync_interval \(if $jetstream.sync_always then "always" else "\($jetstream.sync_interval / 1000000000)s" end)",
		"GOMEMLIMIT \(.gomemlimit)"' "$WORK/varz"
}
