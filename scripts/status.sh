#!/bin/sh
# Reports on the services of a stack, with PREFIX and STACK set and after ledger.sh.
#
# A line for each service in the ledger: its name, the state its manager says, and JSON from the product when it answers, separated by tabs.

service_entries | while IFS= read -r path; do
	(
		load_service "$path"
		printf '%s\t%s\t%s\n' "$NAME" "$(manager_state "$NAME")" "$(product_status "$CONFIG" 2>/dev/null)"
	)
done
