# shellcheck shell=sh disable=SC2034,SC2154 # inputs come from task.sh, which reads SKIP_UNCHANGED; jq programs from the scripts sourced here
# All declared Pulsar namespaces with their tenants and topics, each as the lines of the body say: `namespace/TENANT/NAMESPACE [PATH VALUE]`,
# `topic/TENANT/NAMESPACE/TOPIC [PATH VALUE]`. Policies that no line names are neither looked at nor touched. Messages are lost only with consent. What one of
# them fails at does not keep the others from becoming as they are declared.
#
# ADMIN_URL

# shellcheck source=scripts/pulsar-admin.sh
. "$LIB/pulsar-admin.sh"
# shellcheck source=scripts/pulsar-policies.sh
. "$LIB/pulsar-policies.sh"
# shellcheck source=scripts/pulsar-topics.sh
. "$LIB/pulsar-topics.sh"
# shellcheck source=scripts/pulsar-view.sh
. "$LIB/pulsar-view.sh"

VIEW=$WORK/view
LEDGER=$PREFIX/var/lib/messaging/ledger/$STACK
# Which tenants and topics this stack made (namespaces say it themselves); what it found there when it came is never deleted. Outlives the ledger entry,
# because objects that are kept do too.
MADE=$LEDGER/made
KIND=${RESOURCE%namespaces}

# What was written earlier, by the last run and by runs that were cut off since: what it has and the body has not is unset or removed.
APPLIED=$WORK/applied
: >"$APPLIED"
if [ -f "$ENTRY/inputs" ]; then sed '1,/^$/d' "$ENTRY/inputs" >"$APPLIED"; fi
if [ -f "$ENTRY/begun" ]; then cat "$ENTRY/begun" >>"$APPLIED"; fi

# Earlier versions of this project had a task for each namespace and topic, with a JSON object as its body.
for earlier in "$LEDGER/${KIND}namespace-"*/inputs "$LEDGER/${KIND}topic-"*/inputs; do
	if ! [ -f "$earlier" ]; then continue; fi
	object=$(sed -n -e 's/^NAMESPACE=//p' -e '/^$/q' "$earlier")
	topic=$(sed -n -e 's/^TOPIC=//p' -e '/^$/q' "$earlier")
	# shellcheck disable=SC2016 # a jq program
	sed '1,/^$/d' "$earlier" | "$gojq" -r --arg object "${topic:+topic/}${topic:-namespace/}" --arg name "$object" '
		(if $object == "namespace/" then "namespace/\($name)" else "topic/\($name)/\($object | ltrimstr("topic/"))" end) as $object
		| $object, (to_entries[] | "\($object) \(.key) \(.value | tojson)")' >>"$APPLIED"
done

# Objects that were written earlier and are not declared any more.
undeclared() {
	awk 'FILENAME == ARGV[1] { declared[$1] = 1; next } !declared[$1]++ { print $1 }' "$WORK/body" "$APPLIED"
}
# Removing shows in no difference: what is kept has to stay for good.
if [ -n "$(undeclared)" ]; then SKIP_UNCHANGED=no; fi

# What follows from everything the server has answered so far (scripts/pulsar-view.sh).
view() {
	for mark in "$MADE/$KIND"*; do say "${mark#"$MADE/$KIND"}"; done >"$WORK/marks"
	if [ -f "$(consents_file)" ]; then cat "$(consents_file)"; fi >"$WORK/consents"
	"$gojq" -n -r --arg stack "$STACK" --arg verb "$verb" --rawfile body "$WORK/body" --rawfile applied "$APPLIED" --rawfile marks "$WORK/marks" \
		--rawfile consents "$WORK/consents" --rawfile answers "$WORK/answers" "$policies$topics$view" >"$VIEW" || exit 1
}

# Lines of the view under a heading.
under() {
	sed -n "s/^$1 //p" "$VIEW"
}

# The questions that tell what objects are: the first word of each line, each once.
questions() {
	awk '!seen[$1]++ {
		path = substr($1, index($1, "/") + 1)
		if ($1 ~ /^namespace/) print "GET namespaces/" path
		else if ($1 ~ /^topic/) print "GET persistent/" path "/partitions\nGET persistent/" path "/subscriptions"
		else if (!tenants++) print "GET tenants"
	}'
}

look() {
	if [ -f "$VIEW" ]; then return; fi
	{
		say "GET clusters"
		say "GET tenants"
		questions <"$WORK/body"
	} | pulsar_requests || no_answer
	view
}

desired() {
	look
	under desired
}

observe() {
	under found
}

# What would be lost, object by object. In apply, what is refused is left out there.
refusals() {
	if [ "$verb" = apply ]; then return; fi
	weigh
}

weigh() {
	look
	while
		under weigh | sed 's/^[^ ]* //' >"$WORK/questions"
		[ -s "$WORK/questions" ]
	do
		pulsar_requests <"$WORK/questions" || no_answer
		view
	done
	under refusal | sed 's/^[^ ]* //'
}

# Everything that was declared is not declared any more.
refusals_of_removal() {
	nothing_declared
	weigh
}

nothing_declared() {
	cat "$WORK/body" >>"$APPLIED"
	: >"$WORK/body"
}

# Remembers the body before its first request, until all of it is applied.
begin() {
	[ -d "$ENTRY" ] || mkdir -p "$ENTRY"
	cat "$APPLIED" "$WORK/body" | sort -u >"$ENTRY/begun.new"
	mv "$ENTRY/begun.new" "$ENTRY/begun"
}

apply() {
	begin
	weigh >/dev/null
	under refusal >"$WORK/left"
	under failed >>"$WORK/left"
	# A broker that was stopped while it deleted a namespace leaves it marked, and nothing in it can be used again: it is deleted to the end first.
	under deleted >"$WORK/deleted"
	while read -r OBJECT; do
		if ! grep -q "^$OBJECT " "$WORK/left"; then attempt delete_with_topics; fi
	done <"$WORK/deleted"
	under request | without_what_is_left >"$WORK/plan"
	# Tenants come before what is in them.
	sed -n 's/^tenant[^ ]* //p' "$WORK/plan" | pulsar_requests || :
	{
		sed '/^tenant/d; s/^[^ ]* //' "$WORK/plan"
		questions <"$WORK/plan"
	} | pulsar_requests || :
	view
	under wrote
	under made | while read -r mark; do remember "$mark"; done
	under failed >>"$WORK/left"
	remove_undeclared
	report_what_is_left
	: >"$ENTRY/begun"
}

# Calls a function for OBJECT; why it fails becomes a line of what is left.
attempt() {
	("$1") 2>"$WORK/error" || sed "s|^|$OBJECT |" "$WORK/error" >>"$WORK/left"
}

report_what_is_left() {
	if [ -s "$WORK/left" ]; then
		fail "these are not as declared, everything else is:
$(sed 's/^[^ ]* //' "$WORK/left" | sort -u)"
	fi
}

# Leaves out the lines of objects that stay as they are, and those of topics in such namespaces.
without_what_is_left() {
	awk '
		FILENAME == ARGV[1] { left[$1] = 1; next }
		{ split($1, part, "/") }
		!($1 in left) && !("namespace/" part[2] "/" part[3] in left)' "$WORK/left" -
}

remember() {
	[ -d "$MADE" ] || mkdir -p "$MADE"
	: >"$MADE/$KIND$1"
}

# The name under which it is remembered that OBJECT was made here.
mark() {
	say "${OBJECT%%/*}-$(say "${OBJECT#*/}" | tr / .)"
}

made_by_us() {
	[ -e "$MADE/$KIND$(mark)" ]
}

forget_made() {
	rm -f "$MADE/$KIND$(mark)"
	rmdir "$MADE" 2>/dev/null || :
}

# Consent to lose what a namespace holds covers its topics.
consented_here() {
	consented || consented "namespace/$NAMESPACE"
}

# Brokers delete topics together with their namespace only where that is allowed; it is, until this run ends.
delete_with_topics() {
	tries=0
	while :; do
		pulsar_admin DELETE "namespaces/${OBJECT#*/}?force=true"
		case $STATUS in
		204 | 404) break ;;
		405)
			: >"$WORK/force-allowed"
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

# shellcheck disable=SC2329 # called by the launcher
at_exit() {
	if [ -e "$WORK/force-allowed" ]; then (pulsar_admin DELETE brokers/configuration/forceDeleteNamespaceAllowed); fi
}

# Without consent a topic with messages stays on the server: this is how destroy keeps data.
remove_topic() {
	NAMESPACE=$(say "${OBJECT#*/}" | cut -d / -f 1,2)
	path=persistent/${OBJECT#*/}
	pulsar_admin GET "$path/partitions"
	case $STATUS in
	200) if [ "$("$gojq" .partitions "$WORK/answer")" -gt 0 ]; then partitions=/partitions stats=partitioned-stats; else partitions='' stats=stats; fi ;;
	404)
		forget_made
		return
		;;
	*) unexpected ;;
	esac
	if ! made_by_us; then
		say "$OBJECT kept: this stack did not create it"
		return
	fi
	force=
	if consented_here; then
		force='?force=true'
	else
		pulsar_admin GET "$path/$stats?getPreciseBacklog=true"
		bytes=$("$gojq" '.storageSize | numbers' "$WORK/answer")
		[ -n "$bytes" ] || unexpected
		if [ "$bytes" -gt 0 ]; then
			say "$OBJECT kept with $bytes bytes"
			return
		fi
	fi
	pulsar_admin DELETE "$path$partitions$force"
	case $STATUS in
	204 | 404)
		forget_made
		say "$OBJECT deleted"
		;;
	412) say "$OBJECT kept: $(reason "$WORK/answer")" ;;
	*) unexpected ;;
	esac
}

# Without consent a namespace with topics stays, too. A half deleted one is beyond keeping.
remove_namespace() {
	path=namespaces/${OBJECT#*/}
	pulsar_admin GET "$path"
	case $STATUS in
	200) ;;
	404) return ;;
	*) unexpected ;;
	esac
	if [ "$("$gojq" -r '.properties["managed-by"]' "$WORK/answer")" != "$STACK" ]; then
		say "$OBJECT kept: this stack did not create it"
		return
	fi
	deleted=$("$gojq" -r .deleted "$WORK/answer")
	pulsar_admin GET "persistent/${OBJECT#*/}"
	case $STATUS in
	200) count=$("$gojq" length "$WORK/answer") ;;
	404) count=0 ;;
	*) unexpected ;;
	esac
	if [ "$deleted" = true ] || { [ "$count" -gt 0 ] && consented; }; then
		delete_with_topics
	elif [ "$count" -gt 0 ]; then
		say "$OBJECT kept with $count topics"
	else
		pulsar_admin DELETE "$path"
		case $STATUS in
		204) say "$OBJECT deleted" ;;
		404) ;;
		*) unexpected ;;
		esac
	fi
}

# What is in a tenant may belong to others.
remove_tenant() {
	if ! made_by_us; then
		say "$OBJECT kept: this stack did not create it"
		return
	fi
	pulsar_admin DELETE "tenants/${OBJECT#*/}"
	case $STATUS in
	204 | 404)
		forget_made
		say "$OBJECT deleted"
		;;
	409) say "$OBJECT kept: it has namespaces" ;;
	*) unexpected ;;
	esac
}

# Tenants without a declared namespace whose namespaces are among the undeclared.
undeclared_tenants() {
	awk -F '[/ ]' 'FILENAME == ARGV[1] { declared[$2] = 1; next } !declared[$2]++ { print "tenant/" $2 }' "$WORK/body" "$WORK/undeclared"
}

# Topics go before their namespaces, those before their tenants.
remove_undeclared() {
	undeclared >"$WORK/undeclared"
	{
		sed -n '/^topic\//p' "$WORK/undeclared"
		sed -n '/^namespace\//p' "$WORK/undeclared"
		undeclared_tenants
	} >"$WORK/removals"
	while read -r OBJECT; do attempt "remove_${OBJECT%%/*}" </dev/null; done <"$WORK/removals"
}

remove() {
	nothing_declared
	if ! server_answers; then
		undeclared | sed "s|\$| left as it is: $ADMIN_URL does not answer|"
		return
	fi
	: >"$WORK/left"
	remove_undeclared
	report_what_is_left
}
