# shellcheck shell=sh disable=SC2016,SC2034,SC2153,SC2154 # jq programs have $variables; inputs come from task.sh, which reads the names
# What is particular to Benthos in streams mode: checking a directory of pipelines, taking over the changed ones alone, and what runs.

gojq=$PREFIX/opt/gojq/current/gojq
# Ids of the pipelines that the process took over, the digest of each file, and the config that it reported then.
taken_over() {
	say "$PREFIX/run/$NAME.streams"
}
# What the process knows of the secrets that it read at its start: SECRETS, a fingerprint, as it was then.
secrets_read() {
	cat "$PREFIX/run/$NAME.secrets" 2>/dev/null || :
}
product_ready_seconds=30

# Where the host reaches its HTTP API: in a container that is on every address.
api_url() {
	say "http://$(sed -n 's/^ *address: //p' "$1/benthos.yaml" | sed 's/^0\.0\.0\.0:/127.0.0.1:/')"
}

# What the API answers to a GET, within so many seconds.
api_get() {
	benthos_curl -fsS --max-time "$2" "$1"
}

# Does the database let in who connects with the DSN in a file? Benthos opens it with the first message only, so a pipeline of its own asks here. Says what the
# database answers, which names the user and never the password. Whether one is there at all, the preview has looked at.
product_check_secret() {
	cat >"$WORK/connect.yaml" <<-'EOF'
		http: { enabled: false }
		logger: { level: "OFF" }
		input: { generate: { count: 1, mapping: root = "" } }
		pipeline:
		  processors:
		    - sql_raw: { driver: postgres, dsn: "${DSN}", query: SELECT 1, exec_only: true }
		    - mapping: root = error().or("let in")
		output: { stdout: {} }
	EOF
	answer=$(DSN=$(cat "$1") PGCONNECT_TIMEOUT=10 "$PREFIX/opt/benthos/${VERSION:?}/benthos" -c "$WORK/connect.yaml" 2>&1) || :
	[ "$answer" = "let in" ] || {
		say "the database answers: $answer"
		return 1
	}
}

# Lint of everything, then the unit tests, in the environment of the service.
product_check() {
	if ! [ -d "$1" ]; then return; fi
	set -a
	# shellcheck source=/dev/null
	. "$ENVIRONMENT"
	set +a
	benthos=$PREFIX/opt/benthos/${VERSION:?}/benthos
	pipelines_of "$1" | sed "s|.*|$1/streams/&.yaml|" >"$WORK/pipelines"
	"$benthos" template lint "$1"/templates/*.yaml || return 1
	# shellcheck disable=SC2046 # paths of ours
	"$benthos" -t "$1/templates/*.yaml" lint "$1"/resources/*.yaml $(cat "$WORK/pipelines") || return 1
	# `benthos test` takes no tests for a failure.
	if [ -z "$(find "$1/streams" -name '*_benthos_test.yaml')" ]; then return; fi
	"$benthos" -r "$1/resources/*.yaml" -t "$1/templates/*.yaml" test "$1/streams/..." >"$WORK/tests" || {
		grep -v ' succeeded$' "$WORK/tests"
		return 1
	}
}

# Paths of the pipelines of a directory below streams/, without suffix.
pipelines_of() {
	(cd "$1/streams" && find . -name '*.yaml' ! -name '*_benthos_test.yaml' | sed -e 's|^\./||' -e 's|\.yaml$||' | sort)
}

# The id that Benthos makes of a path.
stream_id() {
	say "$1" | tr / _
}

# Are pipelines all that changes? Secrets, templates, resources and the config of the process are read at its start.
product_reloads() {
	[ "$(secrets_read)" = "${SECRETS:-}" ] || return 1
	for part in benthos.yaml templates resources; do
		diff -r "$1/$part" "$2/$part" >/dev/null || return 1
	done
}

product_ready() {
	[ -f "$1/benthos.yaml" ] && api_get "$(api_url "$1")/ping" 2 >/dev/null 2>&1
}

# Sends a pipeline to the running process: POST, PUT or DELETE. What is under way in it is finished first.
stream() {
	method=$1 id=$2
	shift 2
	benthos_curl -fsS --max-time 60 -X "$method" "$@" "$url/streams/$id" >"$WORK/answer" 2>&1 || {
		say "$NAME: $method of pipeline $id fails: $(cat "$WORK/answer")"
		return 1
	}
}

# What the running pipelines need to be as in their files, a line each: id and POST, PUT, DELETE or nothing.
changes_of_pipelines() {
	reported "$CONFIG" >"$WORK/reported"
	while read -r id digest config; do
		if grep -qxF "$id $digest $config" "$(taken_over)" 2>/dev/null; then
			say "$id"
		elif [ "$digest" = undeclared ]; then
			say "$id DELETE"
		else
			say "$id PUT"
		fi
	done <"$WORK/reported" >"$WORK/running"
	grep -e ' DELETE$' "$WORK/running" || :
	pipelines_of "$CONFIG" | while IFS= read -r pipeline; do
		id=$(stream_id "$pipeline")
		if grep -qx "$id" "$WORK/running"; then
			:
		elif grep -qx "$id PUT" "$WORK/running"; then
			say "$id PUT $CONFIG/streams/$pipeline.yaml"
		else
			say "$id POST $CONFIG/streams/$pipeline.yaml"
		fi
	done
}

replace_changed() {
	url=$(api_url "$CONFIG")
	changes_of_pipelines >"$WORK/changes"
	while read -r id method file; do
		stream "$method" "$id" ${file:+--data-binary "@$file"} || return 1
	done <"$WORK/changes"
}

# Only the pipelines that are not as in their files are replaced; the others go on. A pipeline whose downstream was never there cannot be closed, so what
# fails takes a restart.
product_reload() {
	replace_changed || manager_restart "$NAME" >/dev/null 2>&1 || :
}

# Every input and output is connected; remembers what the process then runs.
product_connected() {
	url=$(api_url "$1") waited=0
	until api_get "$url/ready" 3 >/dev/null 2>&1; do
		waited=$((waited + 1))
		if [ "$waited" -gt 100 ]; then
			say "$NAME answers, but not all of its pipelines are connected: $(benthos_curl -sS --max-time 3 "$url/ready" 2>&1)"
			return 1
		fi
		pause
	done
	say "${SECRETS:-}" >"$PREFIX/run/$NAME.secrets"
	reported "$1" >"$(taken_over).new"
	mv "$(taken_over).new" "$(taken_over)"
}

# A line for each pipeline that runs: id, digest of the file that the directory has for it, and its config as reported.
reported() {
	running=$(api_get "$url/streams" 3 | "$gojq" -r '[keys[]] | join(",")')
	[ -n "$running" ] || return 0
	rm -f "$WORK"/stream.*
	# A list of one is no list to curl.
	case $running in
	*,*) benthos_curl -fsS --max-time 5 -o "$WORK/stream.#1" "$url/streams/{$running}" ;;
	*) benthos_curl -fsS --max-time 5 -o "$WORK/stream.$running" "$url/streams/$running" ;;
	esac
	pipelines_of "$1" | while IFS= read -r pipeline; do say "$(stream_id "$pipeline") $(digest_of "$1/streams/$pipeline.yaml" | cut -c 1-12)"; done >"$WORK/files"
	for answer in "$WORK"/stream.*; do
		id=${answer#"$WORK/stream."}
		digest=$(sed -n "s/^$id //p" "$WORK/files")
		say "$id ${digest:-undeclared} $(sed 's/^.*"uptime_str":"[^"]*",//' "$answer")"
	done
}

product_wanted() {
	say "version ${VERSION%-*}"
	if [ -n "${SECRETS:-}" ]; then say "secrets $SECRETS"; fi
	say "GOMEMLIMIT $(sed -n 's/^GOMEMLIMIT="\(.*\)"$/\1/p' "$(environment_candidate)")"
	pipelines_of "$1" | while IFS= read -r pipeline; do
		say "pipeline $(stream_id "$pipeline") runs $(digest_of "$1/streams/$pipeline.yaml" | cut -c 1-12)"
	done | sort
}

# The candidate among CONFIGS with the environment.
environment_candidate() {
	say "${CONFIGS#* }"
}

product_effective() {
	url=$(api_url "$1")
	say "version $(api_get "$url/version" 3 | sed -n 's/.*"version":"\([0-9.]*\).*/\1/p')"
	if [ -n "${SECRETS:-}" ]; then say "secrets $(secrets_read)"; fi
	say "GOMEMLIMIT $(environment_of "$(process_id)" GOMEMLIMIT)"
	reported "$1" >"$WORK/reported"
	while read -r id digest config; do
		if grep -qxF "$id $digest $config" "$(taken_over)" 2>/dev/null; then
			say "pipeline $id runs $digest"
		else
			say "pipeline $id runs what is not in its file"
		fi
	done <"$WORK/reported" | sort
}

# One JSON document on the running process, for `npm run status`; counters since its start.
product_status() {
	url=$(api_url "$1")
	api_get "$url/metrics" 5 >"$WORK/metrics" || return 1
	api_get "$url/streams" 3 >"$WORK/streams" || return 1
	samples "$WORK/metrics" input_received output_sent output_error processor_error dead_lettered circuit_breaker_state input_lag_messages \
		input_lag_milliseconds >"$WORK/samples"
	"$gojq" -c -n --slurpfile samples "$WORK/samples" --slurpfile streams "$WORK/streams" --arg version "$VERSION" --arg url "$url" '
		[$streams[0] | keys[] | . as $stream | [$samples[] | select(.labels.stream == $stream)] as $own
			# A component inside of another counts the same messages again; the outer ones have labels where any has.
			| def outermost: [.[] | select(.labels.label // "" | . != "")] as $labelled | if $labelled == [] then . else $labelled end;
			def of($name): [$own[] | select(.name == $name)];
			{
				name: $stream,
				received: (of("input_received") | outermost | map(.value) | add // 0),
				sent: (of("output_sent") | map(select(.labels.label != "dead_letters")) | outermost | map(.value) | add // 0),
				errors: (of("output_error") + of("processor_error") | map(.value) | add // 0),
				openBreakers: [of("circuit_breaker_state")[] | select(.value > 0) | .labels.label],
				lagMessages: (of("input_lag_messages") | map(.value) | max),
				lagMilliseconds: (of("input_lag_milliseconds") | map(.value) | max)
			}] as $pipelines
		| {
			version: $version,
			endpoint: $url,
			received: { messages: ($pipelines | map(.received) | add // 0) },
			sent: { messages: ($pipelines | map(.sent) | add // 0) },
			pipelines: $pipelines,
			# What pipelines share has no stream.
			shared: {
				errors: ([$samples[] | select((.labels.stream // "") == "" and (.name == "output_error" or .name == "processor_error")) | .value] | add // 0),
				deadLetters: ([$samples[] | select(.name == "dead_lettered") | { (.labels.consumer): .value }] | add // {}),
				openBreakers: [$samples[] | select((.labels.stream // "") == "" and .name == "circuit_breaker_state" and .value > 0) | .labels.label]
			}
		}'
}
