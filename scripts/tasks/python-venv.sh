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
	python3 -m venv --without-pip "$venv" >"$WORK/log" 2>&1 || no_environment
	# A pip of its own takes longer to unpack than all else here; the host's can install into any environment from version 22.3 on.
	pip="python3 -m pip --python $venv/bin/python3"
	if ! $pip --version >/dev/null 2>&1; then
		"$venv/bin/python3" -m ensurepip >"$WORK/log" 2>&1 || no_environment
		pip="$venv/bin/python3 -m pip"
	fi
	# shellcheck disable=SC2086 # words of a command; a prefix has no spaces
	$pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement "$WORK/body" >"$WORK/log" 2>&1 ||
		fail "$NAME $VERSION: pip failed:
$(tail -n 20 "$WORK/log")"
	cp "$WORK/body" "$venv/requirements.txt"
	say "$NAME $VERSION installed"
}

no_environment() {
	fail "python3 cannot make a virtual environment (Debian: apt install python3-venv):
$(cat "$WORK/log")"
}

remove() {
	rm -rf "${PREFIX:?}/opt/${NAME:?}"
	say "$NAME removed"
}
