# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Writes the body to a file that takes effect at once.
#
# FILE
# MODE   permissions in octal
# GROUP  who it belongs to besides its owner; unset: nobody in particular

desired() {
	say "$FILE mode $MODE${GROUP:+ of $GROUP}"
	sed "s|^|$FILE: |" "$WORK/body"
}

observe() {
	if [ -f "$FILE" ]; then
		if [ -n "$(find "$FILE" -prune -perm "$MODE" ${GROUP:+-group "$GROUP"})" ]; then say "$FILE mode $MODE${GROUP:+ of $GROUP}"; else say "$(mode_of "$FILE")"; fi
		sed "s|^|$FILE: |" "$FILE"
	else
		say "$FILE absent"
	fi
}

apply() {
	mkdir -p "$(dirname "$FILE")"
	cp "$WORK/body" "$FILE.new"
	if [ -n "${GROUP:-}" ]; then chgrp "$GROUP" "$FILE.new"; fi
	chmod "$MODE" "$FILE.new"
	mv "$FILE.new" "$FILE"
	say "$FILE written"
}

remove() {
	rm -f "$FILE"
	rmdir "$(dirname "$FILE")" 2>/dev/null || :
	say "$FILE removed"
}
