# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Writes the secret of the body to a file that nobody else may read. The ledger never has the text.
#
# FILE
# GROUP         who reads it besides its owner; unset: nobody
# FINGERPRINT   changes with the text and tells nothing about it
# SUM           digest of the text; the ledger's, which has no body

: "${SUM:=$(digest_of "$WORK/body")}"

desired() {
	say "$FILE $(private_mode)"
	say "$FILE has the text that was applied"
}

observe() {
	if ! [ -f "$FILE" ]; then
		say "$FILE absent"
		return
	fi
	say "$FILE $(private_mode_of "$FILE")"
	if [ "$(digest_of "$FILE")" = "$SUM" ]; then say "$FILE has the text that was applied"; else say "$FILE has another text"; fi
}

ledger_inputs() {
	awk -v sum="$SUM" '/^$/ { print "SUM=" sum; print; exit } { print }' "$WORK/inputs"
}

apply() {
	mkdir -p "$(dirname "$FILE")"
	rm -f "$FILE.new"
	cp "$WORK/body" "$FILE.new"
	share_private "$FILE.new"
	mv "$FILE.new" "$FILE"
	say "$FILE written"
}

remove() {
	rm -f "$FILE"
	rmdir "$(dirname "$FILE")" 2>/dev/null || :
	say "$FILE removed"
}
