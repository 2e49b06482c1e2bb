# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# One durable pull consumer as the body describes it. What it has acknowledged is forgotten only with consent.
#
# URL, STREAM, CONSUMER

OBJECT=consumer/$STREAM/$CONSUMER
INFO=CONSUMER.INFO.$STREAM.$CONSUMER
# shellcheck source=scripts/jetstream.sh
. "$LIB/jetstream.sh"

# What an update cannot change (checkNewConsumerConfig in server/consumer.go, the same in nats-server 2.10.29 and 2.12.8; of mem_storage 2.12.8 accepts a
# change and need not follow it): the consumer has to be made anew. What the body does not name gets the server's default.
FIXED='
	{ max_waiting: 512, idle_heartbeat: 0, flow_control: false, mem_storage: false, deliver_subject: "", opt_start_seq: 0, opt_start_time: "" } as $default
	| ("deliver_policy", "ack_policy", "replay_policy", ($default | keys[])) as $key
	| [$live, $new | .[$key] // $default[$key]] | select(.[0] != .[1]) | "\($key) \(.[0]) -> \(.[1])"'

refusals() {
	if live && ! consented; then
		changed_for_good "$FIXED" >"$WORK/fixed"
		"$gojq" -r --arg object "$OBJECT" --rawfile fixed "$WORK/fixed" 'select($fixed != "" and .delivered.consumer_seq > 0)
			| "\($object) has delivered \(.delivered.consumer_seq) messages; \($fixed | rtrimstr("\n") | gsub("\n"; ", ")) cannot be changed in place and would forget which"' "$WORK/live" |
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
	if live && [ -n "$(changed_for_good "$FIXED")" ]; then
		jetstream_do "CONSUMER.DELETE.$STREAM.$CONSUMER" ''
	fi
	jetstream_do "CONSUMER.DURABLE.CREATE.$STREAM.$CONSUMER" "$config"
	say "$OBJECT applied"
}

# On destroy its stream may be kept, and then its position is data too.
remove() {
	if ! server_answers; then
		keep "$OBJECT" "as it is: $URL does not answer"
	elif is_needed; then
		keep "$OBJECT" "because it has messages to deliver"
	elif live; then
		jetstream_do "CONSUMER.DELETE.$STREAM.$CONSUMER" ''
		say "$OBJECT deleted"
	fi
}
