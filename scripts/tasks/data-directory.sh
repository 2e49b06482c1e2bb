# shellcheck shell=sh disable=SC2154 # inputs and verb come from task.sh
# A directory for data or logs, private to its owner.
#
# DIRECTORY
# CONTENTS    logs: they go with the task; data, or nothing in entries of earlier versions: removing the task keeps the directory and what is in it, unless
#             all data is to go
# OBJECT      what a consent to leave data behind names, such as data/nats
# OWNER       whose it is; unset: the user's that this runs as

owner=${OWNER:-$(id -un)}

desired() {
	say "$DIRECTORY drwx------ $owner"
}

observe() {
	if [ -d "$DIRECTORY" ]; then say "$DIRECTORY $(mode_of "$DIRECTORY")"; else say "$DIRECTORY absent"; fi
}

# Where this task has had its data: in the last apply, or in what a removal has noted.
earlier_directories() {
	{
		sed -n '/^$/q;s/^DIRECTORY=//p' "$ENTRY/inputs" || :
		cut -f 2 "$(kept_directory)/$RESOURCE" || :
	} 2>/dev/null | sort -u
}

is_empty() {
	[ -z "$(ls -A "$1" 2>/dev/null)" ]
}

# A server on another directory starts without what it has stored.
refusals() {
	if [ "${CONTENTS:-data}" = logs ] || ! is_empty "$DIRECTORY" || consented; then return; fi
	earlier_directories | while IFS= read -r earlier; do
		if [ "$earlier" = "$DIRECTORY" ] || is_empty "$earlier"; then continue; fi
		say "$OBJECT: $earlier holds $(du -sk "$earlier" | cut -f 1) kB, and what runs on $DIRECTORY would start without them. To take them along, run destroy, which keeps them, move them (mv $earlier $DIRECTORY) and run up. To leave them where they are, add \"$OBJECT\" to messaging:allowDataLoss."
	done
}

# An empty directory at the new place is as it is asked for, and refused all the same.
# shellcheck disable=SC2034 # task.sh reads it
if [ "$verb" = apply ] && [ -n "$(refusals)" ]; then SKIP_UNCHANGED=no; fi

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
