# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# JetStream's API over the nats CLI, for the tasks that use its objects. Input: URL. OBJECT is what messages are about.

gojq=$PREFIX/opt/gojq/current/gojq

# Asks $JS.API.<subject> with a JSON body. Prints the answer; an API error is an answer too.
jetstream() {
	nats_cli "$URL" --timeout 5s request --raw "\$JS.API.$1" "$2" </dev/null 2>"$WORK/nats-error" ||
		fail "JetStream on $URL does not answer: $(cat "$WORK/nats-error")"
}

# Does the server answer? Removing must not fail on a server that is gone: what it holds stays where it is.
server_answers() {
	nats_cli "$URL" --timeout 2s rtt </dev/null >/dev/null 2>&1
}

# Asks as jetstream does, and an API error is a failure.
jetstream_do() {
	jetstream "$1" "$2" >"$WORK/answer"
	error=$("$gojq" -r '.error | select(.) | "\(.description) (error \(.err_code))"' "$WORK/answer")
	[ -z "$error" ] || fail "$OBJECT: JetStream refuses: $error"
}

# What a jq program makes of each stream in the answer to STREAM.NAMES or STREAM.LIST, a line each; the server answers in pages.
jetstream_streams() {
	offset=0
	while [ -n "$offset" ]; do
		jetstream "STREAM.$1" "{\"offset\":$offset}" >"$WORK/page"
		"$gojq" -c -r ".streams[]? | $2" "$WORK/page"
		# Where the next page starts; nothing after the last one.
		offset=$("$gojq" '(.offset + (.streams // [] | length)) as $next | select($next > .offset and $next < .total) | $next' "$WORK/page")
	done
}
