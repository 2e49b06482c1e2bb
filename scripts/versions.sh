#!/bin/sh
# Reports which versions the services of a stack were proven with, with PREFIX and STACK set and after ledger.sh: a line for each, its product and the version,
# separated by a tab.

service_entries | while IFS= read -r path; do
	(load_service "$path" && printf '%s\t%s\n' "$PRODUCT" "$VERSION")
done
