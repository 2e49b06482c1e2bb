# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# One persistent topic as the body describes it: its partitions, and subscriptions that exist. Messages are lost only with consent.
#
# ADMIN_URL, NAMESPACE (tenant/namespace), TOPIC

OBJECT=topic/$NAMESPACE/${TOPIC:?}
TOPIC_PATH=persistent/$NAMESPACE/$TOPIC
# shellcheck source=scripts/pulsar-admin.sh
. "$LIB/pulsar-admin.sh"

# Runs a jq program on what is asked for by path below the topic (null: written earlier, not asked for any more) and on $live: the number of
# partitions and the subscriptions, or nothing.
properties() {
	"$gojq" -n -r --arg object "$OBJECT" --arg path "$TOPIC_PATH" --slurpfile wanted "$WORK/body" --slurpfile applied "$APPLIED" --slurpfile live "$WORK/live" '
		(($applied | map(map_values(null)) | add // {}) + $wanted[0]) as $goal
		| def exists($key): $live[1] // [] | index($key | ltrimstr("subscription/")) != null;
		'"$1"
}

# The number of partitions and the subscriptions in $WORK/live, asked for once; false when the topic does not exist, and nothing is in it.
live() {
	: >"$WORK/live"
	[ -f "$WORK/live.statuses" ] ||
		printf 'GET %s/partitions\nGET %s/subscriptions\n' "$TOPIC_PATH" "$TOPIC_PATH" | pulsar_requests live >"$WORK/live.statuses" || no_answer
	read -r STATUS request <"$WORK/live.statuses"
	case $STATUS in
	200) "$gojq" .partitions "$WORK/live.1" >"$WORK/live" ;;
	404) return 1 ;;
	*) fail "$OBJECT: Pulsar answers $STATUS to $request: $(reason "$WORK/live.1")" ;;
	esac
	cat "$WORK/live.2" >>"$WORK/live"
}

# Stats of the topic, all partitions together, in $WORK/stats.
stats() {
	printf 'GET %s/%s?getPreciseBacklog=true\n' "$TOPIC_PATH" stats "$TOPIC_PATH" partitioned-stats | pulsar_requests stats >"$WORK/stats.statuses" || no_answer
	# A topic has one of the two.
	"$gojq" -c 'select(has("storageSize"))' "$WORK/stats.1" "$WORK/stats.2" >"$WORK/stats"
	[ -s "$WORK/stats" ] || fail "$OBJECT: Pulsar does not tell what it stores: $(reason "$WORK/stats.1")"
}

desired() {
	: >"$WORK/live"
	properties '$goal | to_entries[] | "\($object) \(.key) \(if .key == "partitions" then .value elif .value then "exists" else "absent" end)"'
}

observe() {
	if live; then
		properties '$goal | keys[] | "\($object) \(.) \(if . == "partitions" then $live[0] elif exists(.) then "exists" else "absent" end)"'
	else
		say "$OBJECT absent"
	fi
}

# Consent to lose what a namespace holds covers its topics.
consented_here() {
	consented || consented "namespace/$NAMESPACE"
}

how_to_consent_here() {
	say "To accept the loss, add \"$OBJECT\" to messaging:allowDataLoss, or for all topics of the namespace add \"namespace/$NAMESPACE\" to messaging:allowDataLoss."
}

refusals() {
	live || return 0
	properties '$goal.partitions as $partitions | $live[0] as $has
		| if $has == 0 and $partitions > 0 then "\($object) exists without partitions, \($partitions) are asked for; Pulsar cannot divide a topic"
		  elif $partitions < $has then "\($object) has \($has) partitions, \($partitions) are asked for; Pulsar can add partitions, not take them away"
		  else empty end'
	if ! consented_here; then
		properties '$goal | to_entries[] | select(.value == null and exists(.key)) | .key | ltrimstr("subscription/")' >"$WORK/unwanted"
		if [ -s "$WORK/unwanted" ]; then
			stats
			"$gojq" -r --arg object "$OBJECT" --arg consent "$(how_to_consent_here)" --rawfile unwanted "$WORK/unwanted" '
				.subscriptions as $subscriptions | $unwanted | rtrimstr("\n") | split("\n")[]
				| { name: ., messages: ($subscriptions[.].msgBacklog // 0) } | select(.messages > 0)
				| "\($object): subscription \(.name) is not declared any more and has \(.messages) messages to deliver. \($consent)"' "$WORK/stats"
		fi
	fi
}

# Whatever is stored, waiting for delivery or not.
refusals_of_removal() {
	if made_by_us && live && ! consented_here; then
		stats
		"$gojq" -r --arg object "$OBJECT" --arg consent "$(how_to_consent_here)" '
			select(.storageSize > 0) | "\($object) is not declared any more and holds \(.storageSize) bytes. \($consent)"' "$WORK/stats"
	fi
}

apply() {
	begin
	made=
	if ! live; then made=yes; fi
	properties '
		def create: if . == 0 then "PUT \($path)" elif $live == [] then "PUT \($path)/partitions \(.)" else "POST \($path)/partitions \(.)" end;
		# Without a position a new subscription starts behind the last message.
		def subscribe: if . == "earliest" then " {\"ledgerId\":-1,\"entryId\":-1,\"partitionIndex\":-1}" else "" end;
		($goal.partitions | select(. != $live[0]) | create),
		($goal | to_entries[] | select(.key != "partitions")
			| if .value and (exists(.key) | not) then "PUT \($path)/\(.key)\(.value | subscribe)"
			  elif .value == null and exists(.key) then "DELETE \($path)/\(.key)?force=true"
			  else empty end)' >"$WORK/plan"
	pulsar_requests apply <"$WORK/plan" >"$WORK/apply.statuses" || no_answer
	pulsar_check apply
	rm "$WORK/live.statuses"
	[ -z "$made" ] || mark_made
	applied
}

# Without consent a topic with messages stays on the server: this is how destroy keeps data.
remove() {
	if ! server_answers; then
		say "$OBJECT left as it is: $ADMIN_URL does not answer"
		return
	fi
	if ! live; then
		forget_made
		return
	fi
	if ! made_by_us; then
		say "$OBJECT kept: this stack did not create it"
		return
	fi
	stats
	force=
	if consented_here; then
		force='?force=true'
	elif [ "$("$gojq" .storageSize "$WORK/stats")" -gt 0 ]; then
		say "$OBJECT kept with $("$gojq" .storageSize "$WORK/stats") bytes"
		return
	fi
	partitions=
	if [ "$(head -n 1 "$WORK/live")" -gt 0 ]; then partitions=/partitions; fi
	pulsar_admin DELETE "$TOPIC_PATH$partitions$force"
	case $STATUS in
	204 | 404)
		forget_made
		say "$OBJECT deleted"
		;;
	412) say "$OBJECT kept: $(reason "$WORK/answer.1")" ;;
	*) unexpected ;;
	esac
}
