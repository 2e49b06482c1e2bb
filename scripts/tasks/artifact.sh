# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Fetches one executable, verifies its SHA-256 and installs it as opt/NAME/VERSION/BINARY; with LINK=yes opt/NAME/current points at it.
#
# NAME, VERSION, BINARY, LINK
# CACHE          directory of the driver that may hold the official archive or the built binary
# URL, SHA256    official archive (.tar.gz or .zip) and its digest; both empty where none is pinned
# BUILT_SHA256   digest of the binary built from source

directory=$PREFIX/opt/$NAME/$VERSION
current=$PREFIX/opt/$NAME/current

desired() {
	say "$NAME $VERSION pinned $SHA256 $BUILT_SHA256"
	say "$NAME $VERSION sha256 $(cat "$directory/sha256" 2>/dev/null || say unknown)"
	if [ "$LINK" = yes ]; then say "$current -> $VERSION"; fi
}

observe() {
	say "$NAME $VERSION pinned $(cat "$directory/pinned" 2>/dev/null || say absent)"
	if [ -f "$directory/$BINARY" ]; then
		say "$NAME $VERSION sha256 $(digest_of "$directory/$BINARY")"
	else
		say "$NAME $VERSION absent"
	fi
	if [ "$LINK" = yes ]; then say "$current -> $(link_target "$current")"; fi
}

# The file must have the digest; nothing that has not is ever unpacked or run.
verify() {
	found=$(digest_of "$1")
	[ "$found" = "$2" ] || fail "$NAME $VERSION: checksum mismatch in $3
expected SHA-256 $2
found    SHA-256 $found
Nothing was installed. Remove a damaged file and run again; if it persists, do not trust the source."
}

download() {
	curl -fsSL --connect-timeout 5 --retry 3 --max-time 900 -o "$2" "$1"
}

unpack() {
	mkdir "$WORK/unpacked"
	case $URL in
	*.zip) python3 -m zipfile -e "$1" "$WORK/unpacked" ;;
	*) tar -xzf "$1" -C "$WORK/unpacked" ;;
	esac
	executable=$(find "$WORK/unpacked" -name "$BINARY" -type f)
	[ -f "$executable" ] || fail "$NAME $VERSION: the archive holds no file $BINARY"
}

apply() {
	archive=$CACHE/$(basename "$URL")
	if [ -n "$URL" ] && [ -f "$archive" ]; then
		verify "$archive" "$SHA256" "$archive"
		unpack "$archive"
		source="official archive"
	elif [ -f "$CACHE/$BINARY" ]; then
		verify "$CACHE/$BINARY" "$BUILT_SHA256" "$CACHE/$BINARY"
		executable=$CACHE/$BINARY
		source="built from source"
	elif [ -n "$URL" ]; then
		download "$URL" "$WORK/archive" || fail "$NAME $VERSION: $URL cannot be fetched; \`npm run setup\` builds it from source"
		verify "$WORK/archive" "$SHA256" "$URL"
		unpack "$WORK/archive"
		source="official archive"
	else
		fail "$NAME $VERSION: no official archive is pinned for this platform; \`npm run setup\` builds it from source"
	fi
	rm -rf "$directory.new"
	mkdir -p "$directory.new"
	cp "$executable" "$directory.new/$BINARY"
	chmod 755 "$directory.new/$BINARY"
	digest_of "$directory.new/$BINARY" >"$directory.new/sha256"
	say "$SHA256 $BUILT_SHA256" >"$directory.new/pinned"
	rm -rf "$directory"
	mv "$directory.new" "$directory"
	if [ "$LINK" = yes ]; then link_to "$current" "$VERSION"; fi
	say "$NAME $VERSION installed ($source)"
}

# Every version goes: the ones that earlier runs installed and later ones replaced are ours too.
remove() {
	rm -rf "${PREFIX:?}/opt/${NAME:?}"
	say "$NAME removed"
}
