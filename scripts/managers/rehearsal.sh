# shellcheck shell=sh disable=SC2154 # inputs come from task.sh, tasks use the names
# Services in a rehearsal, in namespaces of its own whose end is theirs too: the manager_* functions that the service task calls. Nothing starts them again, and
# nothing caps their memory. Definitions are those of the manager that the host has: a unit of systemd or a program of supervisord.

# Where the manager looks for the definition of a service.
manager_definition() {
	say "$PREFIX/run/$1.definition"
}

manager_pid() {
	cat "$PREFIX/run/$1.pid" 2>/dev/null
}

# running, or what it is instead, in the words that every manager uses.
manager_state() {
	if pid_alive "$(manager_pid "$1" || say 0)"; then say running; else say stopped; fi
}

rehearsal_value() {
	sed -n "s/^$2=//p" "$(manager_definition "$1")"
}

# Becomes the service: it has the id of the shell that calls this. The environment of a unit is in lines and a file, that of a program in one line; a program's
# command reads the file by itself.
rehearsal_start() {
	set -f # wildcards in a command are for the program
	set -a
	eval "$(rehearsal_value "$1" Environment | sed 's/=\(.*\)/="\1"/')" "$(rehearsal_value "$1" environment | sed 's/",/" /g')"
	file=$(rehearsal_value "$1" EnvironmentFile)
	# shellcheck source=/dev/null
	if [ -n "$file" ]; then . "$file"; fi
	set +a
	account=$(rehearsal_value "$1" User)
	command="$(rehearsal_value "$1" ExecStart)$(rehearsal_value "$1" command)"
	cd /
	# shellcheck disable=SC2086 # words of a command
	exec ${account:+setpriv --reuid "$account" --regid "$account" --init-groups} $command </dev/null >>"$PREFIX/var/log/$1.log" 2>&1
}

# Starts the service with its current definition, stopping it first where it runs. Whether it is well is for the caller to see.
manager_restart() {
	manager_forget "$1"
	rehearsal_start "$1" &
	say "$!" >"$PREFIX/run/$1.pid"
}

manager_stop() {
	manager_forget "$1"
}

manager_reload() {
	kill -HUP "$(manager_pid "$1")"
}

manager_forget() {
	running=$(manager_pid "$1" || :)
	[ -n "$running" ] || return 0
	kill -TERM "$running" 2>/dev/null || :
	has_ended "$running" 600 || :
	rm -f "$PREFIX/run/$1.pid"
}

# The last lines that the service printed.
manager_log() {
	tail -n 15 "$PREFIX/var/log/$1.log" 2>/dev/null || :
}
