#!/bin/sh
# Copies what the services of a prefix store to standard output, as a tar archive, or takes it from standard input: sh -c THIS sh PREFIX STACK backup|restore
#
# What was copied is said on standard error, a line each.
set -eu
umask 077

[ -d "$1/var/lib/messaging" ] || {
	printf '%s\n' "nothing is deployed in $1" >&2
	exit 1
}
# On the disk of the data, which has room for it or is too full anyway.
BACKUP=$(mktemp -d "$1/var/lib/messaging/backup.XXXXXX")
export BACKUP
trap 'rm -rf "$BACKUP"' EXIT
trap 'exit 1' HUP INT TERM

if [ "$3" = restore ]; then tar -xf - -C "$BACKUP"; fi
for entry in "$1/var/lib/messaging/ledger/$2"/*/inputs; do
	if grep -qx TASK=service "$entry"; then "$1/opt/messaging/task.sh" "$3" <"$entry" >&2; fi
done
if [ "$3" = backup ]; then tar -cf - -C "$BACKUP" .; fi
