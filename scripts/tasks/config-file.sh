# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Writes a config candidate, FILE.<digest of the body>, after its consumer has checked it. The link FILE belongs to the service task, which switches to the
# candidate, proves it and can switch back.
#
# FILE
# CHECK    product whose product_check accepts or refuses the text; empty: none

candidate=$FILE.$(digest_of "$WORK/body" | cut -c 1-12)

desired() {
	wanted_file "$candidate" "$candidate"
}

observe() {
	found_file "$candidate" "$candidate"
}

apply() {
	mkdir -p "$(dirname "$FILE")"
	# The check sees the text in its real directory, so that relative includes resolve.
	cp "$WORK/body" "$FILE.new"
	if [ -n "$CHECK" ]; then
		# shellcheck source=/dev/null
		. "$LIB/products/$CHECK.sh"
		if ! product_check "$FILE.new" >"$WORK/check" 2>&1; then
			rm -f "$FILE.new"
			fail "$FILE: refused by $CHECK; the running service is untouched:
$(cat "$WORK/check")"
		fi
	fi
	mv "$FILE.new" "$candidate"
	say "$candidate written"
}

remove() {
	rm -f "$FILE".*
	rmdir "$(dirname "$FILE")" 2>/dev/null || :
	say "$FILE removed"
}
