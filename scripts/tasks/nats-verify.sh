# shellcheck shell=sh disable=SC2034,SC2154 # inputs come from task.sh, which reads SKIP_UNCHANGED
# Proves a running NATS server as its users use it, and prints what it proved, a line each.
#
# URL, MONITORING_URL
# SERVICE_DIGEST   of the service this proof is about

# shellcheck source=scripts/jetstream.sh
. "$LIB/jetstream.sh"
SKIP_UNCHANGED=no
MAX_BYTES=65536
# The same in each run, so that a run finds what one that was cut off has left.
subject=_verify.$RESOURCE
stream=VERIFY_$RESOURCE
children='' stream_made=''
# After which the server delivers a message again that nobody has acknowledged.
ACK_WAIT_MS=100

# The proof leaves nothing on the host that could differ.
desired() { :; }
observe() { :; }
remove() { drop_stream; }

cli() { nats_cli "$URL" --timeout 3s "$@" 2>>"$WORK/log"; }
drop_stream() { cli stream rm -f "$stream" >/dev/null || :; }

# Runs the nats CLI in the background; the first argument names the file with what it prints.
start() {
	printed=$WORK/$1
	shift
	(
		nats_environment "$URL"
		exec "$PREFIX/opt/nats/current/nats" --no-context --timeout 3s "$@"
	) >"$printed" 2>>"$WORK/log" &
	children="$children $!"
}

at_exit() {
	for child in $children; do kill "$child" 2>/dev/null || :; done
	if [ -n "$stream_made" ]; then drop_stream; fi
}

broken() {
	fail "$URL: $1
$(tail -n 5 "$WORK/log")"
}

# Waits three seconds until a command succeeds; the first argument says what is wrong when it does not.
expect() {
	problem=$1 deadline=$(($(date +%s) + 3))
	shift
	until "$@"; do
		[ "$(date +%s)" -le "$deadline" ] || broken "$problem"
		pause 0.05
	done
}

subscribed() { http_get "$MONITORING_URL/subsz?subs=1&test=$subject.$1" 2 | "$gojq" -e ".total == $2" >/dev/null; }

prove_monitoring() {
	for endpoint in healthz varz connz subsz jsz; do
		http_get "$MONITORING_URL/$endpoint" 3 >/dev/null || fail "$MONITORING_URL/$endpoint does not answer"
	done
	say "monitoring: healthz, varz, connz, subsz and jsz answer"
}

# What listens while the rest is proven.
start_listeners() {
	start inbox subscribe "$subject.$$.message" --raw --count 1 --wait 10s
	start responder reply "$subject.reply" --echo --count 1
	for worker in 1 2 3; do start "worker$worker" subscribe "$subject.$$.work" --queue workers --raw --wait 10s; done
}

prove_publish_and_reply() {
	expect "a subscriber is not there" subscribed "$$.message" 1
	cli publish "$subject.$$.message" verified >/dev/null || broken "publish fails"
	expect "a published message does not arrive at its subscriber" grep -qx verified "$WORK/inbox"
	say "publish and subscribe: a published message arrives"
	expect "a responder is not there" subscribed reply 1
	[ "$(cli request --raw "$subject.reply" verified)" = verified ] || broken "a request gets no reply, or a wrong one"
	say "request and reply: the reply arrives"
}

count_lines() { awk 'END { print NR }' "$@"; }
worked() { cat "$WORK/worker1" "$WORK/worker2" "$WORK/worker3"; }
all_worked() { [ "$(worked | sort -u | count_lines)" -eq 30 ]; }

prove_queue_group() {
	expect "a queue group of three is not there" subscribed "$$.work" 3
	cli publish "$subject.$$.work" 'message {{Count}}' --count 30 >/dev/null || broken "publish fails"
	expect "messages do not arrive at their queue group" all_worked
	# What reached two workers arrives a second time now.
	pause
	[ "$(worked | count_lines)" -eq 30 ] || broken "messages reached more than one worker of a queue group"
	say "queue group: 30 messages, each to one of 3 workers ($(for worker in 1 2 3; do count_lines "$WORK/worker$worker"; done | paste -s -d + -))"
}

# Asks JetStream's API ($1 with body $2); does the answer meet a gojq condition?
asked() {
	jetstream "$1" "$2" >"$WORK/answer"
	"$gojq" -e "$3" "$WORK/answer" >/dev/null
}

make_stream() {
	stream_made=yes
	asked "STREAM.CREATE.$stream" "{\"name\":\"$stream\",\"subjects\":[\"$subject.stream\"],\"storage\":\"file\",\"max_bytes\":$MAX_BYTES,\"num_replicas\":1}" .config && return
	error=$("$gojq" -r '.error | "\(.description) (error \(.err_code))"' "$WORK/answer")
	case $error in
	*' 10002)' | *' 10023)' | *' 10028)' | *' 10047)') fail "$URL: JetStream has no room for a temporary stream of $MAX_BYTES bytes: $error
Raise messaging:nats.jetstream.maxFileStore, or lower max_bytes of a stream: it is reserved whether used or not." ;;
	esac
	broken "JetStream makes no temporary stream: ${error:-nobody answers, JetStream is not enabled}"
}

# Publishes to the stream; the acknowledgement must meet a gojq condition.
publish() {
	cli request --raw "$subject.stream" verified -H "Nats-Msg-Id:$1" >"$WORK/answer" || broken "publish to a stream fails"
	"$gojq" -e "$2" "$WORK/answer" >/dev/null || broken "publish to a stream: $2 does not hold for $(cat "$WORK/answer")"
}

# Fetches a message, which must be delivered for the given time, and expects what the consumer is then.
fetch() {
	cli consumer next "$stream" worker "$2" --wait 1ms >"$WORK/message" || broken "a durable consumer has nothing for delivery $1"
	grep -q "tries: $1 " "$WORK/message" || broken "a durable consumer: expected delivery $1, got $(cat "$WORK/message")"
	expect "a durable consumer: $3 does not hold" asked "CONSUMER.INFO.$stream.worker" '' "$3"
}

prove_jetstream() {
	make_stream
	publish first '.seq == 1'
	say "JetStream publish: acknowledged with sequence $("$gojq" .seq "$WORK/answer")"
	publish second '.seq == 2 and (.duplicate | not)'
	publish second '.seq == 2 and .duplicate'
	asked "STREAM.INFO.$stream" '' '.state.messages == 2' || broken "deduplication: $(cat "$WORK/answer")"
	say "deduplication: of two publishes with one Nats-Msg-Id one message is kept"
	asked "CONSUMER.DURABLE.CREATE.$stream.worker" "{\"stream_name\":\"$stream\",\"config\":{\"durable_name\":\"worker\",\"ack_policy\":\"explicit\",\"ack_wait\":${ACK_WAIT_MS}000000}}" \
		'.num_pending == 2 and .ack_floor.stream_seq == 0' || broken "a durable consumer: $(cat "$WORK/answer")"
	fetch 1 --ack '.num_pending == 1 and .ack_floor.stream_seq == 1'
	say "durable pull consumer: a fetch and its acknowledgement move pending from 2 to 1 and the ack floor from 0 to 1"
	# Time for it to come again goes on while the rest is proven.
	fetch 1 --no-ack '.num_pending == 0 and .num_ack_pending == 1 and .ack_floor.stream_seq == 1'
}

prove_redelivery() {
	fetch 2 --ack '.num_ack_pending == 0 and .ack_floor.stream_seq == 2'
	say "redelivery: a message without acknowledgement comes again after $ACK_WAIT_MS ms, with delivery count 2"
	asked "STREAM.DELETE.$stream" '' .success || broken "the temporary stream cannot be deleted: $(cat "$WORK/answer")"
	stream_made=
}

apply() {
	prove_monitoring
	# Any answer will do: that the server cannot be reached is better said here than by what waits for a subscription.
	asked INFO '' . || :
	# Subscribers of a killed run end by themselves when nothing comes, its responder with the next request.
	drop_stream
	for _ in 1 2 3; do [ -n "$(cli request --raw "$subject.reply" end)" ] || break; done
	: >"$WORK/log"
	start_listeners
	# The two halves have nothing of each other, and each of their steps waits for the server most of its time.
	{
		prove_publish_and_reply
		prove_queue_group
	} >"$WORK/proven" &
	core=$!
	children="$children $core"
	prove_jetstream
	wait "$core"
	cat "$WORK/proven"
	prove_redelivery
}
