# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# A Python virtual environment with exactly the packages of the body, a requirements file with hashes, in opt/NAME/VERSION.
#
# NAME, VERSION

venv=$PREFIX/opt/$NAME/$VERSION

desired() {
	sed "s|^|$venv: |" "$WORK/body"
}

# The requirements are copied in last, so that an installation that was cut off is absent.
observe() {
	if [ -f "$venv/requirements.txt" ] && [ -x "$venv/bin/python3" ]; then
		sed "s|^|$venv: |" "$venv/requirements.txt"
	else
		say "$venv absent"
	fi
}

apply() {
	command -v python3 >/dev/null 2>&1 || fail "python3 is missing on this host; install it (apt install python3 python3-venv, brew install python)"
	rm -rf "$venv"
	mkdir -p "$(dirname "$venv")"
	python3 -m venv "$venv" >"$WORK/log" 2>&1 || fail "python3 cannot make a virtual environment (Debian: apt install python3-venv):
$(cat "$WORK/log")"
	"$venv/bin/python3" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement "$WORK/body" >"$WORK/log" 2>&1 ||
		fail "$NAME $VERSION: pip failed:
$(tail -n 20 "$WORK/log")"
	cp "$WORK/body" "$venv/requirements.txt"
	say "$NAME $VERSION installed"
}

remove() {
	rm -rf "${PREFIX:?}/opt/${NAME:?}"
	say "$NAME removed"
}
