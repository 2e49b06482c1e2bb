# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# A directory for data or logs, private to its owner.
#
# DIRECTORY
# CONTENTS    logs: they go with the task; data, or nothing in entries of earlier versions: removing the task keeps the directory and what is in it, unless
#             all data is to go
# OWNER       whose it is; unset: the user's that this runs as

owner=${OWNER:-$(id -un)}

desired() {
	say "$DIRECTORY drwx------ $owner"
}

observe() {
	if [ -d "$DIRECTORY" ]; then say "$DIRECTORY $(mode_of "$DIRECTORY")"; else say "$DIRECTORY absent"; fi
}

apply() {
	mkdir -p "$DIRECTORY" || fail "$DIRECTORY cannot be created by $(id -un); choose another directory or prefix"
	chmod 700 "$DIRECTORY"
	# Kept data may be of an earlier user of that name, with another id; what root runs for itself may have been given away.
	if [ -n "${OWNER:-}" ]; then
		chown -R "$OWNER:$OWNER" "$DIRECTORY"
	elif [ "$(mode_of "$DIRECTORY")" != "drwx------ $owner" ]; then
		chown -R "$owner" "$DIRECTORY" || fail "$DIRECTORY is not $owner's; give it back with: sudo chown -R $owner $DIRECTORY"
	fi
	say "$DIRECTORY ready"
}

remove() {
	if [ "${CONTENTS:-data}" = logs ] || purging; then
		rm -rf "${DIRECTORY:?}"
		say "$DIRECTORY removed"
	elif rmdir "$DIRECTORY" 2>/dev/null; then
		say "$DIRECTORY was empty and is removed"
	elif [ -d "$DIRECTORY" ]; then
		keep "$DIRECTORY" "with $(du -sk "$DIRECTORY" | cut -f 1) kB of data; the next up serves it again"
	fi
}
