# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# JetStream's API over the nats CLI, for the tasks that use its objects. Input: URL. A task that declares an object sets OBJECT, its name in
# messages and consents, and INFO, the API subject that tells about it.

gojq=$PREFIX/opt/gojq/current/gojq

# Version of the server that the service runs; what JetStream changes in place depends on it.
server_version() {
	link_target "$PREFIX/opt/nats-server/current"
}

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

# The object as the server has it in $WORK/live; false when it does not exist.
live() {
	jetstream "$INFO" '' >"$WORK/live"
	[ "$("$gojq" -r '.error.code // 0' "$WORK/live")" != 404 ]
}

# What of the body cannot be changed in place on the live object, a line each; nothing when an update does. The first argument is a gojq program
# with `$live`, `$new` and `$version` (a list of numbers) that tells, which its task script has.
changed_for_good() {
	"$gojq" -r --arg version "$(server_version)" --slurpfile wanted "$WORK/body" "
		(\$version | split(\".\") | map(tonumber)) as \$version
		| .config as \$live | \$wanted[0] as \$new | $1" "$WORK/live"
}

# Wanted keys and the server's values for them, a line each.
desired() {
	"$gojq" -r --arg object "$OBJECT" 'to_entries[] | "\($object) \(.key) \(.value | tojson)"' "$WORK/body"
}

observe() {
	if ! live; then
		say "$OBJECT absent"
		return
	fi
	"$gojq" -r --arg object "$OBJECT" --slurpfile wanted "$WORK/body" \
		'.config as $live | $wanted[0] | keys[] as $key | "\($object) \($key) \($live[$key] | if type == "array" and $key != "backoff" then sort else . end | tojson)"' "$WORK/live"
}
