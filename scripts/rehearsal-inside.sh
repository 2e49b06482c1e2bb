#!/bin/sh
# The inside of a rehearsal: inside.sh mounted, in a mount namespace of its own, then inside.sh alone, in a network and process namespace too.
#
# PREFIX, STACK
# SHADOW   copy of the prefix, with the copies of data below data/ and the path of each in a file beside it
# WORK     the tasks in its folder inside, a file each, in order; names.objects have what the running servers hold
set -eu

INSIDE=$WORK/inside
# shellcheck source=scripts/rehearsal-data.sh
. "$INSIDE/rehearsal-data.sh"

# Applies a task as it will be applied, except what keeps the service alive and who has its log.
apply() {
	resource=$(sed -n 's/^RESOURCE=//p' "$1" | head -n 1)
	begun=$(clock)
	sed -e '1,/^$/s/^MANAGER=.*/MANAGER=rehearsal/' -e "1,/^\$/s|^LOG=journal\$|LOG=$PREFIX/var/log/pulsar.log|" "$1" >"$WORK/task"
	"$PREFIX/opt/messaging/task.sh" apply <"$WORK/task" >"$WORK/said" 2>&1 || {
		printf '%s\n' "$resource fails in the rehearsal:" >&2
		cat "$WORK/said" >&2
		exit 1
	}
	# What the driver has copied for a task that had it already.
	rm -f "$(sed -n 's/^ARRIVAL=//p' "$1")"
	sed -e '/^unchanged$/d' -e "s/^/$resource: /" "$WORK/said"
	case $resource in *-service) say "$resource: proven after $(since "$begun") s" ;; esac
}

case $1 in
mounted)
	if [ -f "$SHADOW/offloaded.path" ]; then
		# The offloaded ledgers are not copied: nobody writes them here.
		mkdir "$SHADOW/offloaded"
		mount --bind "$(cat "$SHADOW/offloaded.path")" "$SHADOW/offloaded"
		mount -o remount,bind,ro "$SHADOW/offloaded"
	fi
	mount --rbind "$SHADOW" "$PREFIX"
	for path in "$PREFIX"/data/*.path; do
		mkdir -p "$(cat "$path")"
		mount --bind "${path%.path}" "$(cat "$path")"
	done
	if [ -f "$PREFIX/offloaded.path" ]; then
		mkdir -p "$(cat "$PREFIX/offloaded.path")"
		mount --rbind "$PREFIX/offloaded" "$(cat "$PREFIX/offloaded.path")"
	fi
	sh -s -- apply <"$INSIDE/scripts" >"$WORK/said"
	# Here there still is a network.
	for task in "$INSIDE"/task-*; do
		if grep -q '^TASK=artifact$' "$task"; then apply "$task"; fi
	done
	exec unshare --net --pid --fork --kill-child --mount-proc sh "$0" alone
	;;
alone)
	ip link set lo up
	# shellcheck source=scripts/ledger.sh
	. "$INSIDE/ledger.sh"
	for task in "$INSIDE"/task-*; do
		if ! grep -q '^TASK=artifact$' "$task"; then apply "$task"; fi
	done
	service_entries | while IFS= read -r path; do
		(
			load_probe "$path"
			[ -f "$INSIDE/$NAME.objects" ] || exit 0
			probe_objects >"$WORK/objects"
			comm -23 "$INSIDE/$NAME.objects" "$WORK/objects" >"$WORK/absent"
			[ ! -s "$WORK/absent" ] || fail "$NAME $VERSION does not have: $(paste -s -d ' ' "$WORK/absent")"
			read_probe
			case $PRODUCT in
			nats-server) say "$NAME $VERSION: $((PROBE_MESSAGES - PROBE_READ)) messages read from where the reader was, of $PROBE_MESSAGES; streams: $(wc -l <"$INSIDE/$NAME.objects" | tr -d ' '), all there" ;;
			pulsar) say "$NAME $VERSION: $((PROBE_MESSAGES - PROBE_READ)) messages read from where the reader was, of $PROBE_MESSAGES; topics: $(wc -l <"$INSIDE/$NAME.objects" | tr -d ' '), all there" ;;
			esac
		) || exit
	done
	;;
esac
