# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Writes a directory of config as a candidate, DIRECTORY.<digest of the body>, after its consumer has checked it. The link DIRECTORY belongs to the service
# task. The body has the files in the order of their paths, each after a line `=== <path>`.
#
# DIRECTORY
# GROUP         who reads it besides its owner; unset: nobody
# CHECK         product whose product_check accepts or refuses the directory
# ENVIRONMENT   file with the environment that it is going to be read in

candidate=$DIRECTORY.$(digest_of "$WORK/body" | cut -c 1-12)

desired() {
	say "$candidate private"
	awk '/^=== / { file = substr($0, 5) } { print file ": " $0 }' "$WORK/body"
}

observe() {
	if ! [ -d "$candidate" ]; then
		say "$candidate absent"
		return
	fi
	if [ -n "${GROUP:-}" ]; then set -- ! -group "$GROUP" -o ! -perm -g=r; else set -- -perm -g=r; fi
	if [ -z "$(find "$candidate" ! -user "$(id -un)" -o -perm -o=r -o "$@")" ]; then say "$candidate private"; else say "$candidate readable for others, or not for ${GROUP:-its user}"; fi
	(
		cd "$candidate" || exit
		find . -type f | sed 's|^\./||' | LC_ALL=C sort >"$WORK/files"
		while IFS= read -r file; do
			say "$file: === $file"
			sed "s|^|$file: |" "$file"
		done <"$WORK/files"
	)
}

# The files of the body below a directory.
write_files() {
	sed -n 's/^=== //p' "$WORK/body" | while IFS= read -r file; do
		mkdir -p "$(dirname "$1/$file")"
	done
	awk -v directory="$1" '/^=== / { close(file); file = directory "/" substr($0, 5); printf "" >file; next } { print >file }' "$WORK/body"
}

apply() {
	rm -rf "$DIRECTORY.new"
	mkdir -p "$DIRECTORY.new"
	write_files "$DIRECTORY.new"
	# shellcheck source=/dev/null
	. "$LIB/products/$CHECK.sh"
	if ! product_check "$DIRECTORY.new" >"$WORK/check" 2>&1; then
		rm -rf "$DIRECTORY.new"
		fail "$DIRECTORY: refused by $CHECK; the running service is untouched:
$(sed "s|$DIRECTORY.new/||g" "$WORK/check")"
	fi
	if [ -n "${GROUP:-}" ]; then
		chgrp -R "$GROUP" "$DIRECTORY.new"
		chmod -R u=rwX,g=rX,o= "$DIRECTORY.new"
	fi
	rm -rf "$candidate"
	mv "$DIRECTORY.new" "$candidate"
	say "$candidate written"
}

remove() {
	rm -rf "${DIRECTORY:?}".*
	rmdir "$(dirname "$DIRECTORY")" 2>/dev/null || :
	say "$DIRECTORY removed"
}
