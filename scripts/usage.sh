#!/bin/sh
# Measures what a prefix uses: sh -s -- PREFIX [DIRECTORY ...] < this file
#
# One figure a line, fields separated by tabs:
#   memory   service, bytes: its share of the pages that it has in memory (PSS) where the kernel tells, else its resident set
#   disk     directory, bytes in it
#   space    directory, mount point, bytes of the file system, bytes available
set -u

prefix=$1
shift

memory_of() {
	if [ -r "/proc/$1/smaps_rollup" ]; then
		awk '/^Pss:/ { printf "%.0f", $2 * 1024 }' "/proc/$1/smaps_rollup"
	else
		ps -o rss= -p "$1" | awk '{ printf "%.0f", $1 * 1024 }'
	fi
}

for pid_file in "$prefix"/run/*.pid; do
	[ -s "$pid_file" ] || continue
	bytes=$(memory_of "$(cat "$pid_file")" 2>/dev/null)
	[ -z "$bytes" ] || printf 'memory\t%s\t%s\n' "$(basename "$pid_file" .pid)" "$bytes"
done

for directory in "$@"; do
	[ ! -d "$directory" ] || printf 'disk\t%s\t%s\n' "$directory" "$(du -sk "$directory" 2>/dev/null | awk '{ printf "%.0f", $1 * 1024 }')"
	existing=$directory
	until [ -d "$existing" ]; do existing=$(dirname "$existing"); done
	df -Pk "$existing" | awk -v directory="$directory" 'NR == 2 {
		mount = $6
		for (i = 7; i <= NF; i++) mount = mount " " $i
		printf "space\t%s\t%s\t%.0f\t%.0f\n", directory, mount, $2 * 1024, $4 * 1024
	}'
done
