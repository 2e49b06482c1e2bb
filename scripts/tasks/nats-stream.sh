# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# One JetStream stream as the body describes it. Messages are lost only with consent.
#
# URL, STREAM

OBJECT=stream/$STREAM
INFO=STREAM.INFO.$STREAM
# shellcheck source=scripts/jetstream.sh
. "$LIB/jetstream.sh"

# What an update cannot change (configUpdateCheck in server/stream.go of nats-server 2.10.29 and 2.12.8): the stream has to be made anew. The last three
# are nothing that we declare; a stream that another hand has made may have them.
FIXED='
	(select($live.storage != $new.storage) | "storage \($live.storage) -> \($new.storage)"),
	(select($live.retention != $new.retention and ([$live.retention, $new.retention] | index("workqueue")))
		| "retention \($live.retention) -> \($new.retention)"),
	(select($live.max_consumers != $new.max_consumers and $version < [2, 12, 5])
		| "max_consumers \($live.max_consumers) -> \($new.max_consumers)"),
	(select($live.mirror and $version < [2, 12]) | "mirror \($live.mirror.name) -> none"),
	(select($live.persist_mode // "default" != "default") | "persist_mode \($live.persist_mode) -> default"),
	(("sealed", "deny_delete", "deny_purge", "allow_msg_ttl", "allow_msg_counter", "allow_msg_schedules") as $key
		| select($live[$key]) | "\($key) true -> false")'

# Why the wanted config would delete messages that the stream holds, or nothing.
loss() {
	changed_for_good "$FIXED" >"$WORK/fixed"
	"$gojq" -r --rawfile fixed "$WORK/fixed" --slurpfile wanted "$WORK/body" '
		.config as $live | .state as $state | $wanted[0] as $new
		| select($state.messages > 0)
		| ($state.first_ts | sub("\\.[0-9]+"; "") | fromdateiso8601) as $oldest
		| [ ($fixed | splits("\n") | select(. != "")),
		    (select($live.retention == "limits" and $new.retention == "interest") | "retention limits -> interest"),
		    (select($new.max_msgs >= 0 and $new.max_msgs < $state.messages) | "max_msgs \($new.max_msgs)"),
		    (select($new.max_bytes >= 0 and $new.max_bytes < $state.bytes) | "max_bytes \($new.max_bytes)"),
		    (select($new.max_age > 0 and now - $oldest > $new.max_age / 1000000000 and ($live.max_age == 0 or $live.max_age > $new.max_age)) | "max_age \($new.max_age / 1000000000) s"),
		    (select($new.max_msgs_per_subject > 0 and $new.max_msgs_per_subject < $state.messages
		      and ($live.max_msgs_per_subject <= 0 or $new.max_msgs_per_subject < $live.max_msgs_per_subject)) | "max_msgs_per_subject \($new.max_msgs_per_subject)") ]
		| select(length > 0)
		| "holds \($state.messages) messages (\($state.bytes) bytes); \(join(", ")) deletes messages"' "$WORK/live"
}

# The streams that have a subject of ours; deletes run after creates, so a stream that is going to be removed still counts.
others_with_our_subjects() {
	"$gojq" -r '.subjects[]' "$WORK/body" | while IFS= read -r subject; do
		jetstream STREAM.NAMES "{\"subject\":\"$subject\"}" | "$gojq" -r --arg own "$STREAM" --arg subject "$subject" \
			'.streams[]? | select(. != $own) | "subject \($subject) belongs to stream \(.); release it there in one up, take it here in the next"'
	done
}

# Lines that say why the inputs must not be applied.
refusals() {
	if live && ! consented; then
		reason=$(loss)
		[ -z "$reason" ] || say "$OBJECT $reason. $(how_to_consent)"
	fi
	others_with_our_subjects | sed "s|^|$OBJECT: |"
}

refusals_of_removal() {
	if live && ! consented; then
		"$gojq" -r --arg object "$OBJECT" '.state | select(.messages > 0) | "\($object) is not declared any more and holds \(.messages) messages (\(.bytes) bytes)."' "$WORK/live" |
			sed "s|\$| $(how_to_consent)|"
	fi
}

apply() {
	config=$(cat "$WORK/body")
	if ! live; then
		jetstream_do "STREAM.CREATE.$STREAM" "$config"
		say "$OBJECT created"
	elif [ -z "$(changed_for_good "$FIXED")" ]; then
		jetstream_do "STREAM.UPDATE.$STREAM" "$config"
		say "$OBJECT updated"
	else
		jetstream_do "STREAM.DELETE.$STREAM" ''
		jetstream_do "STREAM.CREATE.$STREAM" "$config"
		say "$OBJECT made anew"
	fi
}

# Without consent a stream with messages stays on the server, unmanaged: this is how destroy keeps data.
remove() {
	if ! server_answers; then
		keep "$OBJECT" "as it is: $URL does not answer"
		return
	fi
	live || return 0
	messages=$("$gojq" -r .state.messages "$WORK/live")
	if [ "$messages" -gt 0 ] && ! consented; then
		keep "$OBJECT" "with $messages messages"
	else
		jetstream_do "STREAM.DELETE.$STREAM" ''
		say "$OBJECT deleted"
	fi
}
