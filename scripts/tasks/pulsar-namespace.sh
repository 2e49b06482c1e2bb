# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# One Pulsar namespace with the policies of the body; others are neither looked at nor touched. Messages are lost only with consent.
#
# ADMIN_URL, NAMESPACE (tenant/namespace)

OBJECT=namespace/$NAMESPACE
VIEW=$WORK/view
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

# Looks at the namespace once: its document and what follows from it (scripts/pulsar-policies.sh, view).
look() {
	if [ -f "$VIEW" ]; then return; fi
	say "GET namespaces/$NAMESPACE" | pulsar_requests live >"$WORK/live.statuses" || no_answer
	read -r STATUS request <"$WORK/live.statuses"
	case $STATUS in
	200) ;;
	404) say null >"$WORK/live.1" ;;
	*) fail "$OBJECT: Pulsar answers $STATUS to $request: $(reason "$WORK/live.1")" ;;
	esac
	policies 'view($object; $stack)' "$WORK/live.1" >"$VIEW" || exit 1
}

# The lines of the view under a heading.
view() {
	while read -r heading line; do
		if [ "$heading" = "$1" ]; then say "$line"; fi
	done <"$VIEW"
}

desired() {
	look
	view desired
}

observe() {
	view found
}

# Full names of its persistent topics, a partition each, in $WORK/topics.
list_topics() {
	pulsar_admin GET "persistent/$NAMESPACE"
	case $STATUS in
	200) "$gojq" -r '.[]' "$WORK/answer.1" >"$WORK/topics" ;;
	404) : >"$WORK/topics" ;;
	*) unexpected ;;
	esac
}

count_topics() {
	wc -l <"$WORK/topics" | tr -d ' '
}

# Lines that say why the body must not be applied.
refusals() {
	look
	view refusal
	if consented; then return; fi
	if [ "$(view state)" = deleted ]; then
		list_topics
		if [ -s "$WORK/topics" ]; then
			say "$OBJECT is half deleted, and nothing but deleting it to the end makes it usable; it still has $(count_topics) topics. $(how_to_consent)"
		fi
	fi
	view bounds >"$WORK/bounds"
	if [ -s "$WORK/bounds" ]; then
		list_topics
		topic_stats "$WORK/topics" >"$WORK/stored"
		policies '[inputs | lost($bounds[0])] | select(. != []) | "\($object): the change deletes \(join(", ")). \($consent)"' \
			-n --slurpfile bounds "$WORK/bounds" --arg consent "$(how_to_consent)" "$WORK/stored"
	fi
}

refusals_of_removal() {
	look
	if [ "$(view state)" = live ] && [ "$(view owner)" = "$STACK" ] && ! consented; then
		list_topics
		topic_stats "$WORK/topics" >"$WORK/stored"
		"$gojq" -n -r --arg object "$OBJECT" --arg consent "$(how_to_consent)" '
			[inputs | "\(.topic) (\(.stats.storageSize // 0) bytes)"] | select(. != [])
			| "\($object) is not declared any more and holds \(join(", ")). \($consent)"' "$WORK/stored"
	fi
}

# Checks what was sent, and takes what was read back behind the last write as what there is.
read_back() {
	pulsar_check "$1"
	VIEW=$WORK/view.after
	policies 'view($object; $stack)' "$LAST" >"$VIEW" || exit 1
	applied
}

# The requests that make the namespace, and the one that reads it back.
creation() {
	policies 'null | view($object; $stack) | select(startswith("request")) | ltrimstr("request ")' -n || exit 1
	say "GET namespaces/$NAMESPACE"
}

create() {
	begin
	creation >"$WORK/plan"
	if pulsar_requests create fail <"$WORK/plan" >"$WORK/create.statuses"; then
		read_back create
	else
		# Nothing of this body was written to what exists already.
		cat "$APPLIED" >"$ENTRY/begun"
		return 1
	fi
}

# A broker that was stopped while it deleted a namespace leaves it marked, and nothing in it can be used again: it is deleted to the end first.
apply() {
	begin
	if [ "$(view state)" = deleted ]; then
		delete_with_topics
		creation >"$WORK/plan"
	else
		{
			view request
			say "GET namespaces/$NAMESPACE"
		} >"$WORK/plan"
	fi
	pulsar_requests apply <"$WORK/plan" >"$WORK/apply.statuses" || no_answer
	read_back apply
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
		[ "$tries" -le 100 ] || unexpected
		pause
	done
	say "$OBJECT deleted with its topics"
}

# Without consent a namespace with topics stays: this is how destroy keeps data. A half deleted one is beyond keeping.
remove() {
	if ! server_answers; then
		say "$OBJECT left as it is: $ADMIN_URL does not answer"
		return
	fi
	look
	state=$(view state)
	if [ "$state" = absent ]; then return; fi
	if [ "$(view owner)" != "$STACK" ]; then
		say "$OBJECT kept: this stack did not create it"
		return
	fi
	list_topics
	count=$(count_topics)
	if [ "$state" = deleted ] || { [ "$count" -gt 0 ] && consented; }; then
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
