# shellcheck shell=sh disable=SC2016,SC2034,SC2154 # jq programs have $variables; inputs come from task.sh, which reads SKIP_UNCHANGED
# Proves a running Pulsar as its users use it, and prints what it proved, a line each: health, a log without errors, managing, publishing and consuming over
# the binary protocol, and replay.
#
# ADMIN_URL
# TLS_URL          the same over TLS; unset: there is none
# SHELL_PROGRAM    pulsar-shell of this stack
# LOG              of the server; journal: systemd has it, under UNIT, in JOURNAL or the journal of SCOPE; container: the engine at ENGINE has it, under UNIT
# SERVICE_DIGEST   of the service this proof is about

# shellcheck source=scripts/pulsar-admin.sh
. "$LIB/pulsar-admin.sh"
case $LOG in
journal) manager=systemd ;;
container) manager=docker ;;
*) manager='' ;;
esac
if [ -n "$manager" ]; then
	# shellcheck source=/dev/null
	. "$LIB/managers/$manager.sh"
	LOG=$WORK/service-log
	manager_log pulsar all >"$LOG"
fi
SKIP_UNCHANGED=no
# The same in each run, so that a run finds what one that was cut off has left.
TOPIC=public/default/_verify-$RESOURCE
REPLAYED=$TOPIC-replay
OBJECT="proof of $ADMIN_URL"
SUBSCRIPTION=persistent/$REPLAYED/subscription/replay

# The proof leaves nothing on the host that could differ.
desired() { :; }
observe() { :; }
remove() {
	if server_answers; then drop_topics; fi
}

topics_made='' session=''
drop_topics() {
	pulsar_admin DELETE "persistent/$TOPIC?force=true"
	pulsar_admin DELETE "persistent/$REPLAYED?force=true"
}
at_exit() {
	if [ -n "$session" ]; then kill "$session" 2>/dev/null || :; fi
	if [ -n "$topics_made" ]; then (drop_topics) || :; fi
}

broken() {
	fail "$ADMIN_URL: $1"
}

prove_health() {
	# Publishes and reads a message of the broker's own.
	pulsar_admin GET brokers/health
	[ "$STATUS" = 200 ] || broken "the health check answers $STATUS: $(reason "$WORK/answer")"
	pulsar_curl -fsSL --max-time 10 -o "$WORK/metrics" "$ADMIN_URL/metrics/" || broken "/metrics/ does not answer"
	grep -q '^pulsar_topics_count' "$WORK/metrics" || broken "/metrics/ has no pulsar_topics_count"
	say "health: the broker publishes and reads; metrics answer"
	[ -n "${TLS_URL:-}" ] || return 0
	pulsar_curl -fsS --max-time 10 --cacert "$TLS_CA" ${TLS_CERTIFICATE:+--cert "$TLS_CERTIFICATE" --key "$TLS_KEY"} -o "$WORK/ready" "$TLS_URL/admin/v2/brokers/ready" 2>"$WORK/curl" ||
		broken "$TLS_URL does not answer a client that trusts $TLS_CA: $(cat "$WORK/curl")"
	say "TLS: $TLS_URL answers a client that trusts $TLS_CA"
}

# Errors of the last start. Four that Pulsar reports of a sound one are none: the journal has no mark in its first life, the metadata are there in every other,
# after a kill the bookie's old registration goes before its new one comes, and a Prometheus that asks meanwhile does not wait for the answer.
prove_log() {
	awk '
		/ - Starting BK with / { errors = ""; started = 0 }
		/ - messaging service is ready/ { started = 1 }
		!started && / ERROR / && !/lastMark \(this is okay/ && !/Ledger root path: .* already exists/ && !/Cannot resolve bookieId / && !/Failed to write metrics to response/ { errors = errors $0 "\n" }
		END { printf "%s", errors }' "$LOG" >"$WORK/errors"
	[ ! -s "$WORK/errors" ] || broken "it logged errors while it started:
$(head -n 5 "$WORK/errors")"
	say "log: no error while it started"
}

# What a consumer prints of the last message.
LAST='publishTime:.*content:second'

# What the commands of pulsar-admin and pulsar-client do, in one session of pulsar-shell, which has both: each program of its own starts Java, for five seconds
# of one core. The session ends with 0 whatever fails in it.
start_tools() {
	cat >"$WORK/commands" <<-END
		admin tenants list
		admin namespaces list public
		client produce persistent://$TOPIC --separator , --messages first,second
		admin topics stats persistent://$TOPIC
		admin topics list public/default
		client consume persistent://$TOPIC --subscription-name proof --subscription-position Earliest --num-messages 2
	END
	: >"$WORK/session"
	# It keeps files in the home of its user.
	JAVA_TOOL_OPTIONS="-Duser.home=$WORK" "$SHELL_PROGRAM" --no-progress --filename "$WORK/commands" >"$WORK/session" 2>&1 </dev/null &
	session=$!
}

prove_tools() {
	waited=0
	until grep -qx -e "$LAST" "$WORK/session" || ! pid_alive "$session"; do
		waited=$((waited + 1))
		[ "$waited" -le 450 ] || broken "pulsar-shell does not end within 90 seconds:
$(tail -n 5 "$WORK/session")"
		pause
	done
	if pid_alive "$session"; then
		# All is said; what it still does is close, which takes a client two seconds.
		kill -KILL "$session" 2>/dev/null || :
	else
		wait "$session" || broken "pulsar-shell fails:
$(tail -n 5 "$WORK/session")"
	fi
	session=''
	has public "admin tenants list"
	has public/default "admin namespaces list"
	has ' *"msgInCounter" : 2,' "admin topics stats"
	has "persistent://$TOPIC" "admin topics list"
	has "$LAST" "client consume"
	say "pulsar-admin: tenants, namespaces, topics and the flow of messages"
	say "binary protocol: pulsar-client publishes and consumes"
}

# A line of the session is what a command is expected to print.
has() {
	grep -qx -e "$1" "$WORK/session" || broken "$2 does not print $1:
$(grep -v ' INFO ' "$WORK/session" | tail -n 20)"
}

publish() {
	pulsar_curl -fsS --max-time 10 -H 'Content-Type: application/json' -o "$WORK/published" \
		--data "{\"producerName\":\"proof\",\"messages\":[{\"payload\":\"$1\"}]}" "$ADMIN_URL/topics/persistent/$REPLAYED" || broken "publishing over REST fails"
}

# The next message of the subscription is the one expected.
next_is() {
	pulsar_curl -fsS --max-time 10 -o "$WORK/next" "$ADMIN_URL/admin/v2/$SUBSCRIPTION/position/1" || broken "a message cannot be read: $2"
	grep -q "$1" "$WORK/next" || broken "$2 begins with another message than expected"
}

prove_replay() {
	publish first
	must PUT "$SUBSCRIPTION" '"latest"'
	sleep 1
	middle=$(date +%s)000
	publish second
	must POST "$SUBSCRIPTION/resetcursor/0"
	next_is first "replay from the earliest message"
	must POST "$SUBSCRIPTION/resetcursor/$middle"
	next_is second "replay from a point in time"
	say "replay: from the earliest message and from a point in time"
}

apply() {
	drop_topics
	topics_made=yes
	must PUT "persistent/$TOPIC"
	must PUT "persistent/$REPLAYED"
	# Java takes longer to start than everything else to be proven.
	start_tools
	prove_health
	prove_log
	prove_replay
	prove_tools
}
