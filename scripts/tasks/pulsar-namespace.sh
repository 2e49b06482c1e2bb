# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# One Pulsar namespace with the policies of the body; others are neither looked at nor touched. Messages are lost only with consent.
#
# ADMIN_URL, NAMESPACE (tenant/namespace)

OBJECT=namespace/$NAMESPACE
LIVE=$WORK/live.00001
# shellcheck source=scripts/pulsar-admin.sh
. "$LIB/pulsar-admin.sh"
# shellcheck source=scripts/pulsar-policies.sh
. "$LIB/pulsar-policies.sh"

# Runs a jq program about what is asked for. Its input are the further arguments.
policies() {
	program=$1
	shift
	"$gojq" -r --arg object "$OBJECT" --arg namespace "$NAMESPACE" --arg stack "$STACK" \
		--slurpfile wanted "$WORK/body" --slurpfile applied "$APPLIED" "$policies$program" "$@"
}

# The document of the namespace in $LIVE; false when it does not exist.
live() {
	[ -z "${READ_BACK:-}" ] || return 0
	STATUS=$(say "GET namespaces/$NAMESPACE" | pulsar_requests live) || exit 1
	case $STATUS in
	200*) ;;
	404*) return 1 ;;
	*) fail "$OBJECT: Pulsar answers ${STATUS%% *}: $(reason "$LIVE")" ;;
	esac
}

is_ours() {
	[ "$("$gojq" -r '.properties["managed-by"]' "$LIVE")" = "$STACK" ]
}

# A broker that was stopped while it deleted a namespace leaves it marked: nothing in it can be used again, and only deleting it once more helps.
is_half_deleted() {
	[ "$("$gojq" .deleted "$LIVE")" = true ]
}

# Full names of its persistent topics, a partition each.
topics() {
	pulsar_admin GET "persistent/$NAMESPACE"
	case $STATUS in
	200) "$gojq" -r '.[]' "$WORK/answer.00001" ;;
	404) ;;
	*) unexpected ;;
	esac
}

desired() {
	policies 'goal | lines($object)' -n
}

observe() {
	if live; then
		policies 'if .deleted then "\($object) half deleted"
			else . as $live | goal | with_entries(.value = (.key as $key | .value as $asked | $live | found($key; $asked))) | lines($object) end' "$LIVE"
	else
		say "$OBJECT absent"
	fi
}

# Lines that say why the body must not be applied.
refusals() {
	live || return 0
	policies '.properties["managed-by"] // $stack | select(. != $stack) | "\($object) belongs to stack \(.), which has to give it up first"' "$LIVE"
	if is_half_deleted; then
		topics >"$WORK/left"
		if [ -s "$WORK/left" ] && ! consented; then
			say "$OBJECT is half deleted, and nothing but deleting it to the end makes it usable; it still has $(wc -l <"$WORK/left" | tr -d ' ') topics. $(how_to_consent)"
		fi
		return
	fi
	policies 'contradictions($object)' "$LIVE"
	if ! consented; then
		policies 'bounds | select(. != {})' "$LIVE" >"$WORK/bounds"
		if [ -s "$WORK/bounds" ]; then
			topics | topic_stats >"$WORK/stored"
			policies '[inputs | lost($bounds[0])] | select(. != []) | "\($object): the change deletes \(join(", ")). "' \
				-n --slurpfile bounds "$WORK/bounds" "$WORK/stored" | sed "s|\$|$(how_to_consent)|"
		fi
	fi
}

refusals_of_removal() {
	if live && ! consented && is_ours && ! is_half_deleted; then
		topics | topic_stats >"$WORK/stored"
		"$gojq" -n -r --arg object "$OBJECT" '
			[inputs | "\(.topic) (\(.stats.storageSize // 0) bytes)"] | select(. != []) | "\($object) is not declared any more and holds \(join(", ")). "' "$WORK/stored" |
			sed "s|\$|$(how_to_consent)|"
	fi
}

apply() {
	note_intent
	if live && is_half_deleted; then delete_with_topics; fi
	if live; then
		policies requests "$LIVE" >"$WORK/plan"
	else
		policies 'created({ "managed-by": $stack }) | "PUT namespaces/\($namespace) \(tojson)", requests' -n >"$WORK/plan"
	fi
	say "GET namespaces/$NAMESPACE" >>"$WORK/plan"
	pulsar_do apply <"$WORK/plan"
	# What the launcher compares afterwards is what was read back behind the last write.
	mv "$LAST" "$LIVE"
	READ_BACK=yes
	note_done
}

# Brokers delete topics together with their namespace only where that is allowed; it is, for as long as this takes.
delete_with_topics() {
	tries=0
	while :; do
		pulsar_admin DELETE "namespaces/$NAMESPACE?force=true"
		case $STATUS in
		204 | 404) break ;;
		405)
			# shellcheck disable=SC2329 # called by the launcher
			at_exit() {
				pulsar_admin DELETE brokers/configuration/forceDeleteNamespaceAllowed
			}
			pulsar_admin POST brokers/configuration/forceDeleteNamespaceAllowed/true
			;;
		esac
		# Topics that clients open at this moment are in the way for a while.
		tries=$((tries + 1))
		[ "$tries" -le 20 ] || unexpected
		sleep 1
	done
	say "$OBJECT deleted with its topics"
}

# Without consent a namespace with topics stays: this is how destroy keeps data.
remove() {
	if ! server_answers; then
		say "$OBJECT left as it is: $ADMIN_URL does not answer"
		return
	fi
	live || return 0
	if ! is_ours; then
		say "$OBJECT kept: this stack did not create it"
		return
	fi
	topics >"$WORK/left"
	count=$(wc -l <"$WORK/left" | tr -d ' ')
	if is_half_deleted || { [ "$count" -gt 0 ] && consented; }; then
		delete_with_topics
	elif [ "$count" -gt 0 ]; then
		say "$OBJECT kept with $count topics"
	else
		pulsar_admin DELETE "namespaces/$NAMESPACE"
		case $STATUS in
		204) say "$OBJECT deleted" ;;
		404) ;;
		*) unexpected ;;
		esac
	fi
}
