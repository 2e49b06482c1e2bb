#!/bin/sh
# Makes the streams, consumers, namespaces and topics of the stack on its servers as they are declared: objects.sh DIRECTORY, with a task in each file.
set -eu

for task in "$1"/*; do
	# A server that has just started may not be ready for everything.
	for pause in 2 5 10 20 ""; do
		printf '%s: ' "${task##*/}"
		if sh /opt/messaging/task.sh apply <"$task"; then break; fi
		[ -n "$pause" ] || exit 1
		sleep "$pause"
	done
done
