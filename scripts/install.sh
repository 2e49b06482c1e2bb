#!/bin/sh
# Installs or removes the scripts on a host: sh -s apply|remove < this file. The program puts PREFIX, RESOURCE and STACK before these lines
# and appends a `put NAME` with a here-document for each script and `finish`.
set -eu
umask 077

verb=$1
SCRIPTS=${PREFIX:?}/opt/messaging
NEXT=$SCRIPTS.new

if [ "$verb" = remove ]; then
	rm -rf "$SCRIPTS" "$NEXT" "$PREFIX/var/lib/messaging/purge" "$PREFIX/var/lib/drift-check.prom"
	# What others or kept data still use stays: rmdir refuses, which is what is wanted.
	for directory in opt run etc bin var/cache var/lib/messaging/ledger var/lib/messaging var/lib var/log var; do
		rmdir "$PREFIX/$directory" 2>/dev/null || :
	done
	rmdir "$PREFIX" 2>/dev/null || :
	exit 0
fi

rm -rf "$NEXT"
mkdir -p "$NEXT/tasks" "$NEXT/managers" "$NEXT/products"

put() {
	cat >"$NEXT/$1"
}

# Old and new directory change places with the launcher missing for an instant only; a task run by an older state finds it again.
finish() {
	chmod 700 "$NEXT/task.sh" "$NEXT/start.sh" "$NEXT/health.sh"
	# Under systemd the service's own user runs this one.
	chmod 755 "$NEXT" "$NEXT/pulsar-start.sh"
	# What observe.sh compares with later.
	printf '%s\n' "${STACK:?}" >"$NEXT/stack"
	printf '%s\n' "${RESOURCE:?}" >"$NEXT/resource"
	date -u +%Y-%m-%dT%H:%M:%SZ >"$NEXT/applied"
	# shellcheck source=scripts/lib.sh
	. "$NEXT/lib.sh"
	script_digests "$NEXT" >"$NEXT/digests"
	# Scripts that a power failure has emptied would see no difference at all.
	sync_prefix
	rm -rf "$SCRIPTS.old"
	if [ -d "$SCRIPTS" ]; then mv "$SCRIPTS" "$SCRIPTS.old"; fi
	mv "$NEXT" "$SCRIPTS"
	rm -rf "$SCRIPTS.old"
	printf 'scripts installed in %s\n' "$SCRIPTS"
}
