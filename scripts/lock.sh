#!/bin/sh
# Holds the lock of a prefix for one run that changes the host, until standard input ends: sh -c THIS lock PREFIX STACK HOLDER PROCESS < lines
#
# A line on standard input now and then says that the run is still there. Prints `held`, or who holds the lock and fails. A lock is stale when its process on
# this host is gone, or when nobody has renewed it for more than a minute, as after a power failure.
set -eu
umask 077

directory=$1/run
lock=$directory/up.lock
own=$lock.$$
mkdir -p "$directory"

# shellcheck disable=SC2329 # called by the trap
release() {
	if [ "$(sed -n 1p "$lock" 2>/dev/null)" = "$$" ]; then rm -f "$lock"; fi
	rm -f "$own" "$own.stale"
	rmdir "$directory" "$1" 2>/dev/null || :
}
trap 'release "$1"' EXIT
trap 'exit 1' HUP INT TERM PIPE

is_stale() {
	pid=$(sed -n 1p "$lock" 2>/dev/null)
	{ ! kill -0 "$pid" && ! [ -d "/proc/$pid" ]; } 2>/dev/null || [ -n "$(find "$lock" -mmin +1 2>/dev/null)" ]
}

# Moved away first: of two runs that find the same stale lock one takes it, and puts back what the other has made meanwhile.
take_away_stale() {
	stale=$(cat "$lock" 2>/dev/null)
	if is_stale && mv "$lock" "$own.stale" 2>/dev/null && [ "$(cat "$own.stale")" != "$stale" ]; then
		ln "$own.stale" "$lock" 2>/dev/null || :
	fi
}

printf '%s\n%s, for stack %s, since %s (process %s)\n' "$$" "$3" "$2" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$4" >"$own"
tries=0
until ln "$own" "$lock" 2>/dev/null; do
	take_away_stale
	tries=$((tries + 1))
	# A run that was killed lets go within a second or two.
	if [ "$tries" -gt 5 ]; then
		sed -n 2p "$lock"
		exit 1
	fi
	sleep 1
done
rm -f "$own"
printf 'held\n'
while read -r _; do touch -c "$lock"; done
