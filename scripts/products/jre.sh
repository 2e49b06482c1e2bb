# shellcheck shell=sh
# What is particular to a Java runtime.

# A wheel carries no permissions. The archive of shared classes, which some builds leave out, halves the start of every Java program.
product_unpacked() {
	chmod 755 "$1"/bin/*
	if [ -f "$1/lib/jspawnhelper" ]; then chmod 755 "$1/lib/jspawnhelper"; fi
	if ! [ -f "$1/lib/server/classes.jsa" ]; then
		"$1/bin/java" -Xshare:dump >"$WORK/share" 2>&1 || fail "the Java runtime does not run on this host:
$(cat "$WORK/share")"
	fi
}
