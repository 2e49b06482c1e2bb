# shellcheck shell=sh disable=SC2016,SC2154 # jq programs and NATS subjects with $; inputs come from task.sh, the jq program from the scripts sourced here
# All declared JetStream streams of a server with their consumers, each as the lines of the body say: `stream/STREAM [KEY VALUE]`,
# `consumer/STREAM/CONSUMER [KEY VALUE]`. Keys that no line names are neither looked at nor touched. What a stream holds and what a consumer has acknowledged is
# lost only with consent.
#
# URL, MONITORING_URL

# shellcheck source=scripts/objects.sh
. "$LIB/objects.sh"
# shellcheck source=scripts/jetstream.sh
. "$LIB/jetstream.sh"
# shellcheck source=scripts/jetstream-view.sh
. "$LIB/jetstream-view.sh"

# Earlier versions of this project had a task for each stream and consumer.
KIND=${RESOURCE%streams}
for earlier in "$LEDGER/${KIND}stream-"*/inputs "$LEDGER/${KIND}consumer-"*/inputs; do
	if ! [ -f "$earlier" ]; then continue; fi
	sed -n -e 's|^STREAM=|stream/|p' -e 's|^CONSUMER=|consumer/|p' -e '/^$/q' "$earlier" |
		awk -F / '{ name[$1] = $2 } END { print "consumer" in name ? "consumer/" name["stream"] "/" name["consumer"] : "stream/" name["stream"] }' >>"$APPLIED"
done

look_at_undeclared

# One question for all objects. The account is that of the user who asks.
look() {
	if [ -f "$VIEW" ]; then return; fi
	nats_cli "$URL" --timeout 5s request --raw '$SYS.REQ.USER.INFO' '' </dev/null >"$WORK/user" 2>"$WORK/nats-error" ||
		fail "NATS on $URL does not answer: $(cat "$WORK/nats-error")"
	http_get "$MONITORING_URL/jsz?accounts=true&streams=true&consumers=true&config=true" 30 >"$WORK/jsz" 2>"$WORK/nats-error" ||
		fail "NATS on $MONITORING_URL does not answer: $(cat "$WORK/nats-error")"
	undeclared >"$WORK/undeclared"
	if [ -f "$(consents_file)" ]; then cat "$(consents_file)"; fi >"$WORK/consents"
	if purging; then purging=true; else purging=false; fi
	# What JetStream changes in place depends on the version of the server that the service runs.
	"$gojq" -n -r --arg verb "$verb" --arg version "$(link_target "$PREFIX/opt/nats-server/current")" --arg account "$("$gojq" -r .data.account "$WORK/user")" \
		--rawfile body "$WORK/body" --rawfile undeclared "$WORK/undeclared" --rawfile consents "$WORK/consents" --argjson purging "$purging" \
		--slurpfile jsz "$WORK/jsz" "$object_definitions$view" >"$VIEW" || exit 1
}

# One answer tells what would be lost, too.
weigh() {
	look
}

# Everything that was declared is not declared any more.
refusals_of_removal() {
	nothing_declared
	refusals
}

# Sends the requests under a heading of the view; what the server refuses is left.
send() {
	under "$1" >"$WORK/requests"
	while read -r OBJECT outcome subject config; do
		jetstream "$subject" "$config" >"$WORK/answer"
		say "$OBJECT $outcome $(tr -d '\n' <"$WORK/answer")"
	done <"$WORK/requests" >"$WORK/answers"
	# Without its stream no consumer can be made: that one is the failure to report.
	"$gojq" -R -n -r '
		[inputs | split(" ") | { object: .[0], outcome: .[1], error: (.[2:] | join(" ") | fromjson | .error) }] as $answers
		| ([$answers[] | select(.error) | { key: .object, value: true }] | from_entries) as $left
		| $answers[] | .object as $object | ($object | "stream/\(split("/")[1])") as $stream
		| if .error == null then select($left[$object] == null and .outcome != "-") | "done \($object) \(.outcome | gsub("_"; " "))"
		  else select($object == $stream or $left[$stream] == null) | "left \($object) \($object): JetStream refuses: \(.error.description) (error \(.error.err_code))" end' "$WORK/answers" >"$WORK/outcomes"
	sed -n 's/^left //p' "$WORK/outcomes" >>"$WORK/left"
	sed -n 's/^done //p' "$WORK/outcomes"
}

apply() {
	begin
	look
	under refusal >"$WORK/left"
	send request
	remove_undeclared
	report_what_is_left
	: >"$ENTRY/begun"
	rm "$VIEW"
}

# Without consent a stream with messages stays on the server, unmanaged, and so does a consumer that has some to deliver, because on destroy its stream may be
# kept: this is how destroy keeps data.
remove_undeclared() {
	under kept >"$WORK/kept"
	while read -r object why; do keep "$object" "$why"; done <"$WORK/kept"
	send removal
}

remove() {
	nothing_declared
	: >"$WORK/left"
	if ! server_answers; then
		undeclared | while read -r object; do keep "$object" "as it is: $URL does not answer"; done
		return
	fi
	look
	remove_undeclared
	report_what_is_left
}
