# shellcheck shell=sh disable=SC2016,SC2153,SC2154 # jq programs have $variables; inputs come from task.sh
# Takes a program that Homebrew installs as opt/NAME/VERSION, and pins it there: `brew upgrade` leaves it alone. With LINK=yes opt/NAME/current points at it.
# https://docs.brew.sh/Manpage, https://docs.brew.sh/FAQ#how-do-i-stop-certain-formulae-from-being-updated
#
# NAME, VERSION, LINK
# FORMULA      with its tap, if it has one
# EXECUTABLE   in the bin of the formula

gojq=$PREFIX/opt/gojq/current/gojq
directory=$PREFIX/opt/$NAME/$VERSION
current=$PREFIX/opt/$NAME/current
# Formulas without their tap name the folders.
formula=${FORMULA##*/}

# A session over SSH may not have it on its path.
homebrew=
for candidate in "$(command -v brew || :)" /opt/homebrew/bin/brew /usr/local/bin/brew /home/linuxbrew/.linuxbrew/bin/brew; do
	if [ -z "$homebrew" ] && [ -x "$candidate" ]; then homebrew=$candidate; fi
done

brew() {
	HOMEBREW_NO_AUTO_UPDATE=1 HOMEBREW_NO_INSTALL_CLEANUP=1 HOMEBREW_NO_ENV_HINTS=1 "${homebrew:-/nonexistent/brew}" "$@" </dev/null
}

# Where Homebrew has the executable of this version.
installed() {
	say "$(brew --cellar "$formula" 2>/dev/null)/$VERSION/bin/$EXECUTABLE"
}

is_pinned() {
	brew list --pinned 2>/dev/null | grep -qx "$formula"
}

# What it says that it is, among whatever else it says.
reported() {
	case $("$1" --version 2>/dev/null | tr -c '0-9.\n' ' ') in
	*" $VERSION"* | "$VERSION"*) say "$VERSION" ;;
	*) say "another version" ;;
	esac
}

desired() {
	say "$NAME $VERSION of Homebrew, which is $VERSION, pinned"
	say "$directory/$EXECUTABLE -> $(installed)"
	if [ "$LINK" = yes ]; then say "$current -> $VERSION"; fi
}

observe() {
	if [ -x "$(installed)" ]; then
		if is_pinned; then pinned=pinned; else pinned="not pinned"; fi
		say "$NAME $VERSION of Homebrew, which is $(reported "$(installed)"), $pinned"
	else
		say "$NAME $VERSION absent from Homebrew"
	fi
	say "$directory/$EXECUTABLE -> $(link_target "$directory/$EXECUTABLE")"
	if [ "$LINK" = yes ]; then say "$current -> $(link_target "$current")"; fi
}

# The version that Homebrew would install.
offered() {
	brew info --json=v2 --formula "$FORMULA" 2>"$WORK/brew" | "$gojq" -r '.formulae[0].versions.stable'
}

refusals() {
	if [ -z "$homebrew" ]; then
		say "$NAME: source: homebrew takes Homebrew (https://brew.sh), and brew is not on this host"
	elif ! [ -x "$(installed)" ]; then
		stable=$(offered || :)
		if [ "$stable" != "$VERSION" ]; then
			say "$NAME: $VERSION is wanted, Homebrew offers ${stable:-nothing} as $FORMULA$(sed -n '1s/^/ (/;1s/$/)/;1p' "$WORK/brew"); leave source: homebrew out, for our own verified download, or install that version into Homebrew"
		fi
	fi
}

apply() {
	if ! [ -x "$(installed)" ]; then
		brew install --quiet --formula "$FORMULA" >"$WORK/log" 2>&1 || fail "$NAME $VERSION: brew install $FORMULA fails:
$(tail -n 20 "$WORK/log")"
		mkdir -p "$PREFIX/opt/$NAME"
		: >"$PREFIX/opt/$NAME/.by-us"
	fi
	[ -x "$(installed)" ] || fail "$NAME: brew install $FORMULA did not bring $VERSION but $(brew list --versions "$formula")"
	brew pin "$formula" >"$WORK/log" 2>&1 || fail "$NAME: brew pin $formula fails: $(cat "$WORK/log")"
	if ! [ -L "$directory/$EXECUTABLE" ]; then rm -rf "$directory"; fi
	mkdir -p "$directory"
	link_to "$directory/$EXECUTABLE" "$(installed)"
	if [ "$LINK" = yes ]; then link_to "$current" "$VERSION"; fi
	say "$NAME $VERSION of Homebrew pinned"
}

# What was there before us stays.
remove() {
	if [ -n "$homebrew" ]; then
		brew unpin "$formula" >/dev/null 2>&1 || :
		if [ -f "$PREFIX/opt/$NAME/.by-us" ]; then brew uninstall --formula "$formula" >/dev/null 2>&1 || say "$formula stays in Homebrew: something else needs it"; fi
	fi
	rm -rf "${PREFIX:?}/opt/${NAME:?}"
	say "$NAME removed"
}
