# shellcheck shell=sh disable=SC2034,SC2154 # inputs come from task.sh, which reads SKIP_UNCHANGED
# Writes the secret of the body to a file that nobody else may read. The ledger never has the text.
#
# FILE
# GROUP         who reads it besides its owner; unset: nobody
# CHECK         product whose product_check_secret, of its VERSION, accepts or refuses the text; unset: none
# KEY           with CHECK, where the config has the text
# FINGERPRINT   changes with the text and tells nothing about it
# SUM           digest of the text; the ledger's, which has no body

: "${SUM:=$(digest_of "$WORK/body")}"
# A text that is there already may have had no reader who tries it.
if [ -n "${CHECK:-}" ]; then SKIP_UNCHANGED=no; fi

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
	if [ -n "${CHECK:-}" ]; then
		# shellcheck source=/dev/null
		. "$LIB/products/$CHECK.sh"
		if ! product_check_secret "$FILE.new" >"$WORK/check" 2>&1; then
			rm -f "$FILE.new"
			fail "$KEY: $(cat "$WORK/check")
The file and what runs with it are untouched."
		fi
	fi
	share_private "$FILE.new"
	mv "$FILE.new" "$FILE"
	say "$FILE written"
}

remove() {
	rm -f "$FILE"
	rmdir "$(dirname "$FILE")" 2>/dev/null || :
	say "$FILE removed"
}
