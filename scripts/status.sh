#!/bin/sh
# Reports on the services of a stack, with PREFIX and STACK set and after ledger.sh.
#
# A line for each service in the ledger, fields separated by tabs: its name, the state its manager says, bytes of memory and time since the start of its process
# (empty while there is none), and JSON from the product when it answers.

service_entries | while IFS= read -r path; do
	(
		load_service "$path"
		pid=$(process_id)
		case $pid in
		'' | 0) memory='' uptime='' ;;
		*) memory=$(memory_of "$pid" 2>/dev/null) uptime=$(uptime_of "$pid") ;;
		esac
		printf '%s\t%s\t%s\t%s\t%s\n' "$NAME" "$(manager_state "$NAME")" "$memory" "$uptime" "$(product_status "$CONFIG" 2>/dev/null)"
	)
done
