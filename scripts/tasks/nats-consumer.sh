# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# One durable pull consumer as the body describes it. What it has acknowledged is forgotten only with consent.
#
# URL, STREAM, CONSUMER

OBJECT=consumer/$STREAM/$CONSUMER
INFO=CONSUMER.INFO.$STREAM.$CONSUMER
# shellcheck source=scripts/jetstream.sh
. "$LIB/jetstream.sh"

# nats-server refuses to change these (checkNewConsumerConfig).
changes_in_place() {
	"$gojq" -e --slurpfile wanted "$WORK/body" '
		.config as $live | $wanted[0] as $new
		| all("deliver_policy", "ack_policy", "replay_policy"; $live[.] == $new[.])' "$WORK/live" >/dev/null
}

refusals() {
	if live && ! consented && ! changes_in_place; then
		"$gojq" -r --arg object "$OBJECT" 'select(.delivered.consumer_seq > 0)
			| "\($object) has delivered \(.delivered.consumer_seq) messages; what cannot be changed in place (deliver_policy) would forget which"' "$WORK/live" |
			sed "s|\$|. $(how_to_consent)|"
	fi
}

# Has it messages left to deliver, and nobody said that this may be forgotten?
is_needed() {
	live && ! consented && [ "$("$gojq" -r '.num_pending + .num_ack_pending' "$WORK/live")" -gt 0 ]
}

refusals_of_removal() {
	if is_needed; then say "$OBJECT is not declared any more and has messages to deliver. $(how_to_consent)"; fi
}

apply() {
	config="{\"stream_name\":\"$STREAM\",\"config\":$(cat "$WORK/body")}"
	if live && ! changes_in_place; then
		jetstream_do "CONSUMER.DELETE.$STREAM.$CONSUMER" ''
	fi
	jetstream_do "CONSUMER.DURABLE.CREATE.$STREAM.$CONSUMER" "$config"
	say "$OBJECT applied"
}

# On destroy its stream may be kept, and then its position is data too.
remove() {
	if ! server_answers; then
		say "$OBJECT left as it is: $URL does not answer"
	elif is_needed; then
		say "$OBJECT kept: it has messages to deliver"
	elif live; then
		jetstream_do "CONSUMER.DELETE.$STREAM.$CONSUMER" ''
		say "$OBJECT deleted"
	fi
}
