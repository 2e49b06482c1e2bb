# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# A user of the system without a login, and the way for it through the directories below the prefix: it may pass, not list.
#
# ACCOUNT   name of the user and of its group; a number, which nobody has to have, for those of a container
# PRODUCT   whose config it reads

exists() {
	case $ACCOUNT in *[!0-9]*) id -un "$ACCOUNT" >/dev/null 2>&1 ;; esac
}

group_of() {
	case $ACCOUNT in *[!0-9]*) id -gn "$ACCOUNT" ;; *) say "$ACCOUNT" ;; esac
}

directories="$PREFIX $PREFIX/opt $PREFIX/etc $PREFIX/etc/$PRODUCT $PREFIX/var $PREFIX/var/lib $PREFIX/var/log"

desired() {
	say "user $ACCOUNT, group $ACCOUNT"
	for directory in $directories; do say "$directory passable"; done
}

observe() {
	if exists; then say "user $ACCOUNT, group $(group_of)"; else say "user $ACCOUNT absent"; fi
	for directory in $directories; do
		if [ -n "$(find "$directory" -prune -perm -0711 2>/dev/null)" ]; then say "$directory passable"; else say "$directory closed"; fi
	done
}

apply() {
	if ! exists; then
		if command -v systemd-sysusers >/dev/null 2>&1; then
			systemd-sysusers --inline "u $ACCOUNT - \"messaging $PRODUCT\" / -" >"$WORK/log" 2>&1 || :
		else
			useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin "$ACCOUNT" >"$WORK/log" 2>&1 || :
		fi
		exists || fail "the user $ACCOUNT cannot be made: $(cat "$WORK/log")"
	fi
	for directory in $directories; do
		[ -d "$directory" ] || mkdir -p "$directory"
		chmod go+x "$directory"
	done
	say "user $ACCOUNT may pass below $PREFIX"
}

remove() {
	rmdir "$PREFIX/etc/$PRODUCT" 2>/dev/null || :
	say "user $ACCOUNT is kept: what data is kept belongs to it"
}
