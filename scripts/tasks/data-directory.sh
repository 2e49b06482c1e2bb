# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# A directory for data or logs, private to its owner.
#
# DIRECTORY
# CONTENTS    logs: they go with the task; data, or nothing in entries of earlier versions: removing the task keeps the directory and what is in it
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
	# Kept data may be of an earlier user of that name, with another id.
	if [ -n "${OWNER:-}" ]; then chown -R "$OWNER:$OWNER" "$DIRECTORY"; fi
	say "$DIRECTORY ready"
}

remove() {
	if [ "${CONTENTS:-data}" = logs ]; then
		rm -rf "${DIRECTORY:?}"
		say "$DIRECTORY removed"
	elif rmdir "$DIRECTORY" 2>/dev/null; then
		say "$DIRECTORY was empty and is removed"
	elif [ -d "$DIRECTORY" ]; then
		say "$DIRECTORY kept with $(du -sk "$DIRECTORY" | cut -f 1) kB of data; the next up serves it again"
	fi
}
