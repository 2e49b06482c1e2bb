# shellcheck shell=sh disable=SC2016,SC2034,SC2154 # jq programs have $variables; inputs come from task.sh, which reads SKIP_UNCHANGED
# Proves a running Pulsar as its users use it, and prints what it proved, a line each: health, a log without errors, publishing and consuming over the binary
# protocol, and replay.
#
# ADMIN_URL
# CLIENT           pulsar-client of this stack
# LOG              of the server; journal: systemd has it, under UNIT in the journal of SCOPE
# SERVICE_DIGEST   of the service this proof is about

# shellcheck source=scripts/pulsar-admin.sh
. "$LIB/pulsar-admin.sh"
if [ "$LOG" = journal ]; then
	# shellcheck source=scripts/managers/systemd.sh
	. "$LIB/managers/systemd.sh"
	LOG=$WORK/journal
	manager_log pulsar all >"$LOG"
fi
SKIP_UNCHANGED=no
# The same in each run, so that a run finds what one that was cut off has left.
TOPIC=public/default/_verify-$RESOURCE
OBJECT="proof of $ADMIN_URL"
SUBSCRIPTION=persistent/$TOPIC/subscription/replay

# The proof leaves nothing on the host that could differ.
desired() { :; }
observe() { :; }
remove() {
	if server_answers; then drop_topic; fi
}

topic_made='' producer=''
drop_topic() {
	pulsar_admin DELETE "persistent/$TOPIC?force=true"
}
at_exit() {
	if [ -n "$producer" ]; then kill "$producer" 2>/dev/null || :; fi
	if [ -n "$topic_made" ]; then (drop_topic) || :; fi
}

broken() {
	fail "$ADMIN_URL: $1"
}

prove_health() {
	# Publishes and reads a message of the broker's own.
	pulsar_admin GET brokers/health
	[ "$STATUS" = 200 ] || broken "the health check answers $STATUS: $(reason "$WORK/answer")"
	curl -q -fsSL --noproxy '*' --max-time 10 -o "$WORK/metrics" "$ADMIN_URL/metrics/" || broken "/metrics/ does not answer"
	grep -q '^pulsar_topics_count' "$WORK/metrics" || broken "/metrics/ has no pulsar_topics_count"
	say "health: the broker publishes and reads; metrics answer"
}

# Errors of the last start. Two that Pulsar reports of a sound one are none: the journal has no mark in its first life, the metadata are there in every other.
prove_log() {
	awk '
		/ - Starting BK with / { errors = ""; started = 0 }
		/ - messaging service is ready/ { started = 1 }
		!started && / ERROR / && !/lastMark \(this is okay/ && !/Ledger root path: .* already exists/ { errors = errors $0 "\n" }
		END { printf "%s", errors }' "$LOG" >"$WORK/errors"
	[ ! -s "$WORK/errors" ] || broken "it logged errors while it started:
$(head -n 5 "$WORK/errors")"
	say "log: no error while it started"
}

# A consumer that starts with the topic and a producer, each a Java program, side by side.
prove_binary_protocol() {
	"$CLIENT" produce "persistent://$TOPIC" --separator , --messages first,second >"$WORK/produced" 2>&1 &
	producer=$!
	"$CLIENT" consume "persistent://$TOPIC" --subscription-name proof --subscription-position Earliest --num-messages 2 >"$WORK/consumed" 2>&1 &
	consumer=$!
	wait "$producer" || broken "pulsar-client produce fails:
$(tail -n 5 "$WORK/produced")"
	waited=0
	while pid_alive "$consumer"; do
		waited=$((waited + 1))
		[ "$waited" -le 300 ] || { kill "$consumer"; broken "published messages do not arrive at a consumer within a minute"; }
		pause
	done
	grep -q 'content:second' "$WORK/consumed" || broken "pulsar-client consume does not get what was published:
$(tail -n 5 "$WORK/consumed")"
	say "binary protocol: pulsar-client publishes and consumes"
}

publish() {
	curl -q -fsS --noproxy '*' --max-time 10 -H 'Content-Type: application/json' -o "$WORK/published" \
		--data "{\"producerName\":\"proof\",\"messages\":[{\"payload\":\"$1\"}]}" "$ADMIN_URL/topics/persistent/$TOPIC" || broken "publishing over REST fails"
}

# The next message of the subscription is the one expected.
next_is() {
	curl -q -fsS --noproxy '*' --max-time 10 -o "$WORK/next" "$ADMIN_URL/admin/v2/$SUBSCRIPTION/position/1" || broken "a message cannot be read: $2"
	grep -q "$1" "$WORK/next" || broken "$2 begins with another message than expected"
}

prove_replay() {
	must PUT "$SUBSCRIPTION" '"latest"'
	sleep 1
	middle=$(date +%s)000
	publish third
	must POST "$SUBSCRIPTION/resetcursor/0"
	next_is first "replay from the earliest message"
	must POST "$SUBSCRIPTION/resetcursor/$middle"
	next_is third "replay from a point in time"
	say "replay: from the earliest message and from a point in time"
}

apply() {
	prove_health
	prove_log
	drop_topic
	topic_made=yes
	must PUT "persistent/$TOPIC"
	prove_binary_protocol
	prove_replay
}
