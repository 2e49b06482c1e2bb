# shellcheck shell=sh disable=SC2034,SC2154 # inputs come from task.sh, which reads SKIP_UNCHANGED
# Proves a running NATS server as a user would use it: every monitoring endpoint answers and a message published with the nats CLI arrives.
#
# URL, MONITORING_URL
# SERVICE_DIGEST   of the service this proof is about

SKIP_UNCHANGED=no
nats=$PREFIX/opt/nats/current/nats
subject="_verify.$RESOURCE.$$"

# The proof leaves nothing on the host that could differ.
desired() {
	:
}

observe() {
	:
}

apply() {
	for endpoint in healthz varz connz subsz jsz; do
		http_get "$MONITORING_URL/$endpoint" 5 >"$WORK/$endpoint" || fail "$MONITORING_URL/$endpoint does not answer"
	done
	NATS_URL=$URL "$nats" --no-context --timeout 5s subscribe "$subject" --count 1 --raw >"$WORK/received" 2>"$WORK/log" &
	subscriber=$!
	attempt=0
	# Published until it arrives: the subscription may not be there yet the first time.
	while kill -0 "$subscriber" 2>/dev/null; do
		attempt=$((attempt + 1))
		if [ "$attempt" -gt 25 ]; then
			kill "$subscriber" 2>/dev/null || :
			fail "a message published on $URL did not arrive at a subscriber:
$(cat "$WORK/log")"
		fi
		NATS_URL=$URL "$nats" --no-context --timeout 5s publish "$subject" verified >>"$WORK/log" 2>&1 || :
		pause
	done
	grep -q verified "$WORK/received" || fail "the subscriber on $URL received something else:
$(cat "$WORK/received" "$WORK/log")"
	say "healthz, varz, connz, subsz and jsz answer; publish and subscribe work on $URL"
}

remove() {
	:
}
