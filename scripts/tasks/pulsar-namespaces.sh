# shellcheck shell=sh disable=SC2154 # inputs come from task.sh; jq programs from the scripts sourced here
# All declared Pulsar namespaces with their tenants and topics, each as the lines of the body say: `namespace/TENANT/NAMESPACE [PATH VALUE]`,
# `topic/TENANT/NAMESPACE/TOPIC [PATH VALUE]`. Policies that no line names are neither looked at nor touched. Messages are lost only with consent.
#
# ADMIN_URL

# shellcheck source=scripts/objects.sh
. "$LIB/objects.sh"
# shellcheck source=scripts/pulsar-admin.sh
. "$LIB/pulsar-admin.sh"
# shellcheck source=scripts/pulsar-policies.sh
. "$LIB/pulsar-policies.sh"
# shellcheck source=scripts/pulsar-topics.sh
. "$LIB/pulsar-topics.sh"
# shellcheck source=scripts/pulsar-view.sh
. "$LIB/pulsar-view.sh"

# What the names of ledger entries and marks begin with.
KIND=${RESOURCE%namespaces}
# shellcheck source=scripts/pulsar-removal.sh
. "$LIB/pulsar-removal.sh"

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

look_at_undeclared

# What follows from everything the server has answered so far (scripts/pulsar-view.sh).
view() {
	for mark in "$MADE/$KIND"*; do say "${mark#"$MADE/$KIND"}"; done >"$WORK/marks"
	if [ -f "$(consents_file)" ]; then cat "$(consents_file)"; fi >"$WORK/consents"
	"$gojq" -n -r --arg stack "$STACK" --arg verb "$verb" --rawfile body "$WORK/body" --rawfile applied "$APPLIED" --rawfile marks "$WORK/marks" \
		--rawfile consents "$WORK/consents" --rawfile answers "$WORK/answers" "$object_definitions$policies$topics$view" >"$VIEW" || exit 1
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
	} >"$WORK/questions"
	ask
	view
}

# Sends the requests in $WORK/questions. A broker answers 5xx to what it is not ready for, such as the subscriptions of a partition that it is loading: that is
# asked again, once a second.
ask() {
	for pause in 1 1 1 ""; do
		pulsar_requests <"$WORK/questions" || no_answer
		awk -v RS='\035' -v FS='\036' '
			{ status[substr($2, 5)] = substr($2, 1, 1) }
			END { for (request in status) if (status[request] == 5) print request }' "$WORK/answers" >"$WORK/unready"
		if ! [ -s "$WORK/unready" ] || [ -z "$pause" ]; then return; fi
		sleep "$pause"
		mv "$WORK/unready" "$WORK/questions"
	done
}

weigh() {
	look
	while
		under weigh | sed 's/^[^ ]* //' >"$WORK/questions"
		[ -s "$WORK/questions" ]
	do
		ask
		view
	done
}

# Everything that was declared is not declared any more.
refusals_of_removal() {
	nothing_declared
	refusals
}

apply() {
	begin
	# A broker that has just started answers 5xx to what it is not ready for, such as a bundle that it does not own yet.
	for pause in 1 3 ""; do
		write
		if [ -z "$pause" ] || ! under unready | grep -q .; then break; fi
		sleep "$pause"
		rm "$VIEW" "$WORK/answers"
	done
	under failed >>"$WORK/left"
	remove_undeclared
	report_what_is_left
	: >"$ENTRY/begun"
}

# Makes every object as it is declared that is not, except those that must not be changed.
write() {
	weigh
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
}

# Calls a function for OBJECT; why it fails becomes a line of what is left.
attempt() {
	("$1") 2>"$WORK/error" || sed "s|^|$OBJECT |" "$WORK/error" >>"$WORK/left"
}

# Leaves out the lines of objects that stay as they are, and those of topics in such namespaces.
without_what_is_left() {
	awk '
		FILENAME == ARGV[1] { left[$1] = 1; next }
		{ split($1, part, "/") }
		!($1 in left) && !("namespace/" part[2] "/" part[3] in left)' "$WORK/left" -
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
		undeclared | while read -r object; do keep "$object" "as it is: $ADMIN_URL does not answer"; done
		return
	fi
	: >"$WORK/left"
	remove_undeclared
	report_what_is_left
}
