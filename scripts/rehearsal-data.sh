# shellcheck shell=sh disable=SC2016,SC2034,SC2153,SC2154 # jq programs have $variables; the sourced scripts read the names
# What shows in a rehearsal that the next version serves what the running one has stored: 100 messages in a stream or topic of their own, with the position of who
# reads them, and the names of all streams or topics. After ledger.sh; Benthos stores nothing of its own.

PROBE_MESSAGES=100
# What the reader has read of them before the upgrade.
PROBE_READ=40

# Seconds since the start of the machine, in hundredths, and since such a time.
clock() {
	cut -d ' ' -f 1 /proc/uptime
}

since() {
	awk -v from="$1" '{ printf "%.2f", $1 - from }' /proc/uptime
}

# Takes an entry of the ledger and what asks its server.
load_probe() {
	load_service "$1"
	name=rehearsal-$(printf %s "$STACK" | tr / -)
	OBJECT="the probe of $NAME"
	case $PRODUCT in
	nats-server)
		URL=nats://$(config_value "$CONFIG" listen)
		# shellcheck source=scripts/jetstream.sh
		. "$LIB/jetstream.sh"
		;;
	pulsar)
		ADMIN_URL=http://127.0.0.1:$(config_value "$CONFIG" webServicePort)
		topic=persistent/public/default/_$name
		# shellcheck source=scripts/pulsar-admin.sh
		. "$LIB/pulsar-admin.sh"
		;;
	esac
}

numbers() {
	awk -v from="$1" -v to="$2" 'BEGIN { for (n = from; n <= to; n++) print "message " n }'
}

cli() {
	nats_cli "$URL" --timeout 5s "$@" 2>>"$WORK/log" </dev/null
}

# Reads messages FROM to TO as the reader; they are the expected ones, in order.
read_nats() {
	cli consumer next "$name" reader --count $(($2 - $1 + 1)) --raw --ack >"$WORK/read" || fail "NATS: the messages cannot be read: $(tail -n 3 "$WORK/log")"
	grep '^message ' "$WORK/read" >"$WORK/got" || :
	numbers "$1" "$2" | cmp -s - "$WORK/got" || fail "NATS: expected messages $1 to $2, read: $(paste -s -d , "$WORK/got" | cut -c 1-200)"
}

read_pulsar() {
	"$PREFIX/bin/pulsar-client" consume "persistent://${topic#persistent/}" --subscription-name reader --num-messages $(($2 - $1 + 1)) >"$WORK/read" 2>&1 &
	reading=$!
	has_ended "$reading" 600 || kill "$reading"
	sed -n 's/^.*content:\(message [0-9]*\).*$/\1/p' "$WORK/read" >"$WORK/got"
	numbers "$1" "$2" | cmp -s - "$WORK/got" || fail "Pulsar: expected messages $1 to $2, read: $(paste -s -d , "$WORK/got" | cut -c 1-200)
$(tail -n 3 "$WORK/read")"
}

make_probe() {
	case $PRODUCT in
	nats-server)
		jetstream "STREAM.DELETE.$name" '' >"$WORK/answer"
		# What the proof of the server may reserve is not reserved now.
		jetstream_do "STREAM.CREATE.$name" "{\"name\":\"$name\",\"subjects\":[\"_$name\"],\"storage\":\"file\",\"max_bytes\":65536,\"num_replicas\":1}"
		jetstream_do "CONSUMER.DURABLE.CREATE.$name.reader" "{\"stream_name\":\"$name\",\"config\":{\"durable_name\":\"reader\",\"ack_policy\":\"explicit\"}}"
		cli publish "_$name" 'message {{Count}}' --count "$PROBE_MESSAGES" >/dev/null || fail "NATS takes no messages: $(tail -n 3 "$WORK/log")"
		read_nats 1 "$PROBE_READ"
		;;
	pulsar)
		pulsar_admin DELETE "$topic?force=true"
		must PUT "$topic"
		must PUT "$topic/subscription/reader" '"earliest"'
		messages=$(numbers 1 "$PROBE_MESSAGES" | sed 's/.*/{"payload":"&"}/' | paste -s -d , -)
		pulsar_curl -fsS --max-time 30 -H 'Content-Type: application/json' -o "$WORK/published" \
			--data "{\"producerName\":\"rehearsal\",\"messages\":[$messages]}" "$ADMIN_URL/topics/$topic" || fail "Pulsar takes no messages over REST"
		# Acknowledges without a client: Java would have to be started.
		must POST "$topic/subscription/reader/skip/$PROBE_READ"
		;;
	esac
}

drop_probe() {
	case $PRODUCT in
	nats-server) jetstream "STREAM.DELETE.$name" '' >"$WORK/answer" ;;
	pulsar) pulsar_admin DELETE "$topic?force=true" ;;
	esac
}

# The rest of the messages is read, from where the reader was.
read_probe() {
	case $PRODUCT in
	nats-server) read_nats $((PROBE_READ + 1)) "$PROBE_MESSAGES" ;;
	pulsar) read_pulsar $((PROBE_READ + 1)) "$PROBE_MESSAGES" ;;
	esac
}

# Names of streams or topics, sorted.
probe_objects() {
	case $PRODUCT in
	nats-server)
		jetstream_streams NAMES .
		;;
	pulsar)
		must GET tenants
		for tenant in $("$gojq" -r '.[]' "$WORK/answer"); do
			must GET "namespaces/$tenant"
			for namespace in $("$gojq" -r '.[]' "$WORK/answer"); do
				must GET "persistent/$namespace"
				"$gojq" -r '.[]' "$WORK/answer"
			done
		done
		;;
	esac | sort
}
