#!/bin/sh
# Runs one task on this host: task apply|differences|refusals|refusals_of_removal|remove|unmanaged|backup|restore < inputs
#
# Inputs are KEY=value lines, an empty line, then the body verbatim. The task's script defines
#   desired   lines that describe the host as the inputs ask for it
#   observe   the same lines as the host is
#   apply     makes the host so        remove   takes it away again, never data
#   ledger_inputs  what of the inputs goes to the ledger; all of them in most tasks
#   create    makes what the ledger does not know without looking first, and fails when it is there; most tasks have none
#   refusals  lines that say why apply must not be, refusals_of_removal why remove must not; most tasks have none
#   unmanaged lines that name objects beside the stack's own, which nothing here touches; most tasks see none
#   backup    copies what a service stores into the directory BACKUP of the environment, restore takes it from there; only services store anything
# and everything else (what differs, doing nothing, proof afterwards, ledger, lock) is here, once.
set -eu
umask 077

LIB=${0%/*}
# shellcheck source=scripts/lib.sh
. "$LIB/lib.sh"

verb=$1
WORK=$(mktemp -d "${TMPDIR:-/tmp}/messaging.XXXXXX")
LOCK=
# A script that starts or makes something for the run only takes it away here, however the run ends.
at_exit() {
	:
}
# shellcheck disable=SC2329 # called by the trap
clean_up() {
	at_exit || :
	rm -rf "$WORK" ${LOCK:+"$LOCK"}
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Makes variables of the inputs in a file.
take_inputs() {
	while IFS= read -r line && [ -n "$line" ]; do
		key=${line%%=*}
		case $key in
		'' | *[!A-Z0-9_]* | [!A-Z]* | PATH | IFS | HOME | LIB | WORK | LOCK) fail "not an input: $line" ;;
		esac
		# shellcheck disable=SC2034 # used by eval
		value=${line#*=}
		eval "$key=\$value"
	done <"$1"
}

cat >"$WORK/inputs"
take_inputs "$WORK/inputs"
sed '1,/^$/d' "$WORK/inputs" >"$WORK/body"

: "${TASK:?}" "${RESOURCE:?}" "${STACK:?}" "${PREFIX:?}"
ENTRY=$PREFIX/var/lib/messaging/ledger/$STACK/$RESOURCE
# shellcheck disable=SC2034 # scripts read it: `no` makes apply run although nothing differs
SKIP_UNCHANGED=yes
# shellcheck disable=SC2034 # likewise: `yes` when apply itself has found in the end that nothing differs
COMPARED=no

create() {
	return 1
}
# What the ledger gets to know of the inputs.
ledger_inputs() {
	cat "$WORK/inputs"
}
refusals() {
	:
}
refusals_of_removal() {
	:
}
unmanaged() {
	:
}
backup() {
	:
}
restore() {
	:
}

# What earlier versions of this project applied, another task has taken over.
if [ "$verb" = remove ] && ! [ -f "$LIB/tasks/$TASK.sh" ]; then
	remove() {
		say "$RESOURCE: left to the task that took it over"
	}
else
	# shellcheck source=/dev/null
	. "$LIB/tasks/$TASK.sh"
fi

# One line for each difference, nothing when the host is as asked. What cannot be compared counts as different.
differences() {
	if ! desired >"$WORK/desired" || ! observe >"$WORK/observed" || ! compare_lines "$WORK/desired" "$WORK/observed"; then
		say "found:    cannot be compared on this host"
	fi
}

# One run of a task at a time: an orphan of a killed run may still be at work. A dead holder's lock is taken over.
lock() {
	[ -d "$PREFIX/run" ] || mkdir -p "$PREFIX/run"
	waited=0
	while ! ln -s "$$" "$PREFIX/run/$RESOURCE.lock" 2>/dev/null; do
		holder=$(readlink "$PREFIX/run/$RESOURCE.lock" || :)
		if [ -n "$holder" ] && ! pid_alive "$holder"; then
			rm -f "$PREFIX/run/$RESOURCE.lock"
			continue
		fi
		waited=$((waited + 1))
		[ "$waited" -le 60 ] || fail "$RESOURCE: process $holder on this host has been at work on it for a minute; try again when it has ended"
		sleep 1
	done
	LOCK=$PREFIX/run/$RESOURCE.lock
}

record() {
	[ -d "$ENTRY" ] || mkdir -p "$ENTRY"
	ledger_inputs >"$ENTRY/inputs.new"
	mv "$ENTRY/inputs.new" "$ENTRY/inputs"
	date -u +%Y-%m-%dT%H:%M:%SZ >"$ENTRY/applied"
	rm -f "$(kept_directory)/$RESOURCE"
	rmdir "$(kept_directory)" 2>/dev/null || :
}

case $verb in
differences | refusals | refusals_of_removal | unmanaged)
	"$verb"
	;;
backup | restore)
	lock
	"$verb"
	;;
apply)
	lock
	unchanged=
	if [ -e "$ENTRY/inputs" ] || ! create; then
		# Assigned first, not tested in place: a host that cannot be compared ends the run here.
		left=$(differences)
		if [ "$SKIP_UNCHANGED" = yes ] && [ -z "$left" ]; then
			unchanged=yes
			say "unchanged"
		else
			refused=$(refusals)
			[ -z "$refused" ] || fail "refused, nothing was changed:
$refused"
			apply
		fi
	fi
	if [ -z "$unchanged" ]; then
		if [ "$COMPARED" = no ]; then
			left=$(differences)
			[ -z "$left" ] || fail "$RESOURCE: applied, but the host is not as asked:
$left"
		fi
		sync_prefix
	fi
	record
	;;
remove)
	lock
	rm -f "$(kept_directory)/$RESOURCE"
	remove
	rm -rf "$ENTRY"
	# Parents go when they are empty: rmdir refuses otherwise, which is what is wanted.
	rmdir -p "$(dirname "$ENTRY")" 2>/dev/null || :
	;;
*) fail "usage: task apply|differences|refusals|refusals_of_removal|remove|unmanaged|backup|restore < inputs" ;;
esac
