# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Fetches an artefact, verifies it and installs it as opt/NAME/VERSION; with LINK=yes opt/NAME/current points at it.
#
# NAME, VERSION, LINK
# ONLY      the one executable that is taken; empty: the whole tree
# SIGNERS   fingerprints of the keys that may have signed it (<file>.asc beside the file); empty: it is not signed
# KEYS_URL  where the public keys of the signers are; used when CACHE has no file KEYS
# CACHE     directory of the driver that may hold a source's file; empty on a host that is not the driver
# ARRIVAL   where the driver has copied the file of one of the sources to; unset: the host fetches it
# SHARED    yes: users of services read it
# The body has the sources in order of preference, a line each: file, algorithm:digest, its root inside the archive or -, URL or -

directory=$PREFIX/opt/$NAME/$VERSION
current=$PREFIX/opt/$NAME/current
downloads=$PREFIX/var/cache/$NAME

# A product may have something to do once in a fresh tree.
product_unpacked() {
	:
}
# What is taken of an archive in tar format, below its root; nothing: everything.
product_members() {
	:
}
if [ -z "$ONLY" ] && [ -f "$LIB/products/$NAME.sh" ]; then
	# shellcheck source=/dev/null
	. "$LIB/products/$NAME.sh"
fi

desired() {
	sed "s|^|$NAME $VERSION pinned |" "$WORK/body"
	say "$NAME $VERSION contents $(recorded_contents)"
	if [ "$LINK" = yes ]; then say "$current -> $VERSION"; fi
}

observe() {
	if [ -f "$directory/.pinned" ]; then
		sed "s|^|$NAME $VERSION pinned |" "$directory/.pinned"
		say "$NAME $VERSION contents $(contents_of "$directory" "$(recorded_contents)")"
	else
		say "$NAME $VERSION absent"
	fi
	if [ "$LINK" = yes ]; then say "$current -> $(link_target "$current")"; fi
}

# What the installation has left, a digest as contents_of makes it.
recorded_contents() {
	cat "$directory/.contents" 2>/dev/null || say unknown
}

# One digest for a tree: mode, size and name of every file, and what is in the executable or, in a whole tree, in files below 64 KiB (programs in text
# and configs). Reading hundreds of megabytes of libraries in every preview would cost seconds. The second argument is a digest to compare with, whose
# algorithm is taken.
contents_of() {
	(
		cd "$1" || exit
		find . \( -type f -o -type l \) ! -name .pinned ! -name .contents -exec ls -ln {} + | awk '{ print substr($1, 1, 10), $5, $9, $10, $11 }' | sort
		if [ -n "$ONLY" ]; then
			cat "$ONLY"
		else
			find . -type f -size -128 ! -name .pinned ! -name .contents | sort | xargs cat
		fi
	) 2>/dev/null | case $2 in
	blake2:*) say "blake2:$(b2sum | cut -d ' ' -f 1)" ;;
	*) digest_of /dev/stdin ;;
	esac
}

# What a new digest of contents begins with: previews read every executable, and without OpenSSL BLAKE2 takes half the time of SHA-256.
algorithm_of_contents() {
	if ! command -v openssl >/dev/null 2>&1 && command -v b2sum >/dev/null 2>&1; then say blake2:; fi
}

# Has the file the digest, such as sha256:0a1b…?
is_intact() {
	algorithm=${2%%:*}
	[ "$(digest_of "$1" "${algorithm#sha}")" = "${2#*:}" ]
}

# The algorithms that sources have digests of, each once.
algorithms() {
	cut -d ' ' -f 2 "$WORK/body" | cut -d : -f 1 | sort -u
}

# Nothing that has not the pinned digest is ever unpacked or run. A download is thrown away, so that the next run does not go on with it.
verify() {
	if is_intact "$1" "$2"; then return; fi
	found=$(digest_of "$1" "${algorithm#sha}")
	case $1 in "$downloads"/*) rm -f "$1" ;; esac
	fail "$NAME $VERSION: checksum mismatch in $3
expected $2
found    $algorithm:$found
Nothing was installed. Remove a damaged file and run again; if it persists, do not trust the source."
}

# Checks a file's detached signature with a keyring made for it. Says what came of it; a signature that is not good ends the run.
check_signature() {
	if [ -z "$SIGNERS" ]; then return; fi
	if [ -n "$CACHE" ] && [ -f "$CACHE/KEYS" ]; then
		cp "$CACHE/KEYS" "$WORK/KEYS"
	elif ! fetch_on "$KEYS_URL" "$WORK/KEYS" 0; then
		say ", signature not checked: $KEYS_URL cannot be fetched"
		return
	fi
	if ! command -v gpg >/dev/null 2>&1; then
		say ", signature not checked: this host has no gpg"
		return
	fi
	[ -f "$1.asc" ] || fail "$NAME $VERSION: $1.asc is missing; nothing was installed"
	mkdir -m 700 "$WORK/keyring"
	gpg --homedir "$WORK/keyring" --batch --quiet --import "$WORK/KEYS" 2>"$WORK/gpg" || :
	gpg --homedir "$WORK/keyring" --batch --status-fd 1 --verify "$1.asc" "$1" >"$WORK/status" 2>>"$WORK/gpg" || :
	for signer in $SIGNERS; do
		if grep -q "^\[GNUPG:\] VALIDSIG .*$signer" "$WORK/status"; then
			say ", signed by $signer"
			return
		fi
	done
	fail "$NAME $VERSION: no good signature by a pinned key ($SIGNERS) on $(basename "$1"); nothing was installed:
$(cat "$WORK/gpg")"
}

# Goes on where it broke off, in this run or an earlier one. curl's own --retry begins anew, and tries a host without a network (6, 7) for seven seconds. What the
# server refuses (22) is not asked for again either. The third argument lists the seconds between attempts.
fetch_on() {
	if ! command -v curl >/dev/null 2>&1; then
		wget -q -c -T 60 -O "$2" "$1" 2>"$WORK/curl"
		return
	fi
	for pause in ${3:-1 2 3 4 5}; do
		status=0
		curl -fsSL --connect-timeout 5 --speed-limit 1000 --speed-time 60 -C - -o "$2" "$1" 2>"$WORK/curl" || status=$?
		case $status in 0) return ;; 6 | 7 | 22) return "$status" ;; esac
		sleep "$pause"
	done
	return "$status"
}

# Says every ten seconds how far it is.
download() {
	mkdir -p "$downloads"
	fetch_on "$1" "$2" &
	fetching=$!
	waited=0
	while pid_alive "$fetching"; do
		pause
		waited=$((waited + 1))
		if [ $((waited % 50)) -eq 0 ] && [ -f "$2" ]; then say "$(basename "$2"): $(($(wc -c <"$2") / 1000000)) MB fetched"; fi
	done
	wait "$fetching"
}

# Moves what the driver has copied to where nobody else writes, and finds out which source's file it is.
take_arrival() {
	[ -f "$ARRIVAL" ] || fail "$NAME $VERSION: $ARRIVAL has not arrived; run up again"
	mkdir -p "$downloads"
	cp "$ARRIVAL" "$downloads/arrival"
	rm -f "$ARRIVAL"
	digests=$(algorithms | while read -r algorithm; do say "$algorithm:$(digest_of "$downloads/arrival" "${algorithm#sha}")"; done)
	while read -r file digest root url; do
		if say "$digests" | grep -qxF "$digest"; then
			source=$downloads/$file
			mv "$downloads/arrival" "$source"
			arrived=yes
			return
		fi
	done <"$WORK/body"
	rm -rf "$downloads"
	fail "$NAME $VERSION: checksum mismatch in what the driver has copied; nothing was installed. Remove the file from the driver's cache and run again."
}

# The file of the first source that is in the driver's cache, else of the first that can be downloaded, in $source, with $digest and $root.
find_source() {
	if [ -n "$CACHE" ]; then
		while read -r file digest root url; do
			source=$CACHE/$file
			if [ -f "$source" ]; then return; fi
		done <"$WORK/body"
	fi
	if [ -n "${ARRIVAL:-}" ]; then
		take_arrival
		return
	fi
	while read -r file digest root url; do
		[ "$url" != - ] || continue
		source=$downloads/$file
		if { [ -f "$source" ] && is_intact "$source" "$digest"; } || download "$url" "$source" </dev/null; then
			if [ -n "$SIGNERS" ]; then fetch_on "$url.asc" "$source.asc" </dev/null || :; fi
			return
		fi
		say "$url cannot be fetched: $(tail -n 1 "$WORK/curl")" >>"$WORK/unreachable"
	done <"$WORK/body"
	fail "$NAME $VERSION: not in the cache, and no source of it answers; \`npm run setup\` brings it
$(cat "$WORK/unreachable" 2>/dev/null)"
}

unzip_to() {
	if command -v python3 >/dev/null 2>&1; then
		python3 -m zipfile -e "$1" "$2"
	elif command -v unzip >/dev/null 2>&1; then
		unzip -q "$1" -d "$2"
	else
		fail "$NAME $VERSION: unzip or python3 is missing on this host, one of them unpacks $(basename "$1")"
	fi
}

unpack() {
	mkdir -p "$directory.new"
	# shellcheck disable=SC2046 # a product's members are words
	case $source in
	*.tar.gz) tar -xzf "$source" -C "$directory.new" $(product_members "$root") ;;
	*.zip | *.whl) unzip_to "$source" "$directory.new" ;;
	*.deb)
		command -v dpkg-deb >/dev/null 2>&1 || fail "$NAME $VERSION: dpkg-deb is missing on this host; it unpacks Debian's package"
		dpkg-deb -x "$source" "$directory.new"
		;;
	*) cp "$source" "$directory.new/$ONLY" ;;
	esac
	if [ -z "$ONLY" ]; then
		case $root in -) tree=$directory.new ;; *) tree=$directory.new/$root ;; esac
		[ -d "$tree" ] || fail "$NAME $VERSION: the archive holds no directory $root"
		product_unpacked "$tree"
	else
		executable=$(find "$directory.new" -name "$ONLY" -type f)
		[ -f "$executable" ] || fail "$NAME $VERSION: the archive holds no file $ONLY"
		tree=$directory.new/.tree
		mkdir "$tree"
		mv "$executable" "$tree/$ONLY"
		chmod 755 "$tree/$ONLY"
	fi
}

apply() {
	rm -rf "$directory.new"
	arrived=
	find_source
	# What has arrived was recognised by its digest.
	if [ -z "$arrived" ]; then
		case $source in "$downloads"/*) verify "$source" "$digest" "$url" ;; *) verify "$source" "$digest" "$source" ;; esac
	fi
	check_signature "$source" >"$WORK/signature"
	unpack
	if [ "${SHARED:-}" = yes ]; then chmod -R go+rX "$tree"; fi
	cp "$WORK/body" "$tree/.pinned"
	contents_of "$tree" "$(algorithm_of_contents)" >"$WORK/digest"
	mv "$WORK/digest" "$tree/.contents"
	rm -rf "$directory"
	mv "$tree" "$directory"
	if [ "${SHARED:-}" = yes ]; then chmod go+x "$directory" "${directory%/*}"; fi
	rm -rf "$directory.new" "$downloads"
	if [ "$LINK" = yes ]; then link_to "$current" "$VERSION"; fi
	say "$NAME $VERSION installed from $(basename "$source")$(cat "$WORK/signature"), $(du -sk "$directory" | awk '{ printf "%.0f", $1 * 1.024 / 1000 }') MB on disk"
}

# Every version goes: the ones that earlier runs installed and later ones replaced are ours too.
remove() {
	rm -rf "${PREFIX:?}/opt/${NAME:?}" "$downloads"
	say "$NAME removed"
}
