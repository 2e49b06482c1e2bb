#!/bin/sh
# shellcheck disable=SC2153 # the program sets LINES, POSITION and WANTED
# Prints what a service logged, with PREFIX and STACK set and after ledger.sh.
#
# WANTED     name of the service
# LINES      how many of the last lines, where there is no position
# POSITION   what came since it, as the last line of an earlier run says after its record separator; empty: none
#
# Nothing, not even a position, when there is no such service.

service_entries | while IFS= read -r path; do
	(
		load_service "$path"
		if [ "$NAME" = "$WANTED" ]; then manager_log_since "$NAME" "$LINES" "$POSITION"; fi
	)
done
