# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Writes the body to a file that takes effect at once.
#
# FILE
# MODE   permissions in octal

desired() {
	say "$FILE mode $MODE"
	sed "s|^|$FILE: |" "$WORK/body"
}

observe() {
	if [ -f "$FILE" ]; then
		if [ -z "$(find "$FILE" -prune ! -perm "$MODE")" ]; then say "$FILE mode $MODE"; else say "$(mode_of "$FILE")"; fi
		sed "s|^|$FILE: |" "$FILE"
	else
		say "$FILE absent"
	fi
}

apply() {
	mkdir -p "$(dirname "$FILE")"
	cp "$WORK/body" "$FILE.new"
	chmod "$MODE" "$FILE.new"
	mv "$FILE.new" "$FILE"
	say "$FILE written"
}

remove() {
	rm -f "$FILE"
	rmdir "$(dirname "$FILE")" 2>/dev/null || :
	say "$FILE removed"
}
