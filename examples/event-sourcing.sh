#!/bin/sh
# Event sourcing on Pulsar: publishes what happens to a few accounts, keeps the balances as it goes, then rebuilds them by replaying the topic from its
# earliest message and compares the two: event-sourcing.sh PREFIX TOPIC
#
# PREFIX is the output `paths.prefix`, TOPIC a topic of a namespace with retention, such as persistent://arc/agents/ledger.
set -eu

client=$1/bin/pulsar-client
topic=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One event a line: an account and what is added to it.
cat >"$work/events" <<'END'
alice 100
bob 50
alice -30
carol 10
bob 25
alice 5
END

# Balances in the order of the accounts: the state that a list of events leads to.
state_of() {
	awk '{ balance[$1] += $2 } END { for (account in balance) print account, balance[account] }' "$1" | sort
}

digest_of() {
	if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

count=$(wc -l <"$work/events" | tr -d ' ')
"$client" produce "$topic" --separator , --messages "$(paste -s -d , "$work/events")" >"$work/log" 2>&1
state_of "$work/events" >"$work/live"

"$client" consume "$topic" --subscription-name "rebuild-$$" --subscription-position Earliest --num-messages "$count" >"$work/consumed" 2>>"$work/log"
sed -n 's/.*content:\([a-z]* -\{0,1\}[0-9]*\).*/\1/p' "$work/consumed" >"$work/replayed"
state_of "$work/replayed" >"$work/rebuilt"

printf 'live    %s\nrebuilt %s\n' "$(digest_of "$work/live")" "$(digest_of "$work/rebuilt")"
cmp -s "$work/live" "$work/rebuilt"
