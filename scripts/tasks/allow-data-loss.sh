# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Writes the list of objects whose messages may be lost (the body, one a line) where guards and removals read it.

consents=$(consents_file)

desired() {
	cat "$WORK/body"
}

observe() {
	if [ -f "$consents" ]; then cat "$consents"; fi
}

apply() {
	mkdir -p "$(dirname "$consents")"
	cp "$WORK/body" "$consents"
	say "$(wc -l <"$consents" | tr -d ' ') objects may lose messages"
}

remove() {
	rm -f "$consents"
}
