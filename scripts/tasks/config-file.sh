# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Writes a config candidate, FILE.<digest of the body>, after its consumer has checked it. The link FILE belongs to the service task, which switches to the
# candidate, proves it and can switch back.
#
# FILE
# BASE     config of the distribution, of which the body overrides keys; empty: the body is the whole file
# GROUP    who reads it besides its owner; unset: nobody
# CHECK    product whose product_check accepts or refuses the text; empty: none

candidate=$FILE.$(digest_of "$WORK/body" | cut -c 1-12)

text() {
	if [ -z "$BASE" ]; then cat "$WORK/body"; else overridden "$BASE" "$WORK/body"; fi
}

desired() {
	say "$candidate $(private_mode)"
	if [ -z "$BASE" ] || [ -f "$BASE" ]; then text | sed "s|^|$candidate: |"; else say "$BASE to be there"; fi
}

observe() {
	found_file "$candidate" "$candidate"
}

apply() {
	mkdir -p "$(dirname "$FILE")"
	# The check sees the text in its real directory, so that relative includes resolve.
	text >"$FILE.new"
	if [ -n "$CHECK" ]; then
		# shellcheck source=/dev/null
		. "$LIB/products/$CHECK.sh"
		if ! product_check "$FILE.new" >"$WORK/check" 2>&1; then
			rm -f "$FILE.new"
			fail "$FILE: refused by $CHECK; the running service is untouched:
$(cat "$WORK/check")"
		fi
	fi
	share_private "$FILE.new"
	mv "$FILE.new" "$candidate"
	say "$candidate written"
}

remove() {
	rm -f "$FILE".*
	rmdir "$(dirname "$FILE")" 2>/dev/null || :
	say "$FILE removed"
}
