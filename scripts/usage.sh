#!/bin/sh
# Measures what a stack uses, with PREFIX and STACK set and after ledger.sh: sh -s -- [DIRECTORY ...] < this
#
# One figure a line, fields separated by tabs:
#   memory   service, bytes: its share of the pages that it has in memory (PSS) where the kernel tells, else its resident set
#   disk     directory, bytes in it
#   space    directory, mount point, bytes of the file system, bytes available

memory() {
	bytes=$(memory_of "$2" 2>/dev/null)
	[ -z "$bytes" ] || printf 'memory\t%s\t%s\n' "$1" "$bytes"
}

service_entries | while IFS= read -r path; do
	(
		load_service "$path"
		pid=$(manager_pid "$NAME")
		case $pid in '' | 0) ;; *) memory "$NAME" "$pid" ;; esac
	)
done
if [ -s "$PREFIX/run/supervisord.pid" ]; then memory supervisord "$(cat "$PREFIX/run/supervisord.pid")"; fi

for directory in "$@"; do
	[ ! -d "$directory" ] || printf 'disk\t%s\t%s\n' "$directory" "$(du -sk "$directory" 2>/dev/null | awk '{ printf "%.0f", $1 * 1024 }')"
	space "$directory"
done
