# shellcheck shell=sh
# What is particular to supervisord.

# A wheel names its programs and carries none. They write no bytecode: the tree would differ from what was installed.
product_unpacked() {
	mkdir "$1/bin"
	for program in supervisord supervisorctl; do
		cat >"$1/bin/$program" <<-END
			#!/usr/bin/env python3
			import os
			import sys
			sys.dont_write_bytecode = True
			sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
			from supervisor.$program import main
			main()
		END
	done
	chmod 755 "$1"/bin/*
	# Compiled once instead of at every start.
	python3 -m compileall -q -x /tests/ "$1/supervisor" || fail "supervisord does not run with this host's python3 ($(python3 --version 2>&1))"
}
