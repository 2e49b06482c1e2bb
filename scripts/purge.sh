#!/bin/sh
# Says whether the next removal on a prefix takes the data with it: sh -s -- PREFIX STACK yes|no < this file
#
# With `yes` prints each directory of data that will go and its size, and consents for an hour: a run that is cut off must not decide about a later one.
set -eu
umask 077

consent=$1/var/lib/messaging/purge
case $3 in
yes)
	[ -d "${consent%/*}" ] || exit 0
	printf '%s\n' "$(($(date +%s) + 3600))" >"$consent"
	for entry in "$1/var/lib/messaging/ledger/$2"/*/inputs; do
		[ -f "$entry" ] || continue
		if grep -qx TASK=data-directory "$entry" && ! grep -qx CONTENTS=logs "$entry"; then
			directory=$(sed -n 's/^DIRECTORY=//p' "$entry")
			if [ -d "$directory" ]; then printf '%s with %s kB\n' "$directory" "$(du -sk "$directory" | cut -f 1)"; fi
		fi
	done
	;;
*)
	rm -f "$consent"
	# What has nothing left goes too.
	for directory in var/lib/messaging var/lib var ''; do rmdir "$1/$directory" 2>/dev/null || :; done
	;;
esac
