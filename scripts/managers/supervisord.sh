# shellcheck shell=sh disable=SC2034,SC2154 # inputs come from task.sh, tasks use the names
# Services under supervisord: the manager_* functions that the service task calls.

supervisord_conf=$PREFIX/etc/supervisor/supervisord.conf
supervisord_programs=$PREFIX/etc/supervisor/conf.d
supervisord_pid=$PREFIX/run/supervisord.pid
supervisord_socket=$PREFIX/run/supervisor.sock
supervisord_log=$PREFIX/var/log/supervisord.log
supervisor_bin=$PREFIX/opt/supervisor/${SUPERVISOR_VERSION:?}/bin

supervisorctl() {
	"$supervisor_bin/supervisorctl" -c "$supervisord_conf" "$@"
}

# Only an answer counts: a socket and a process id may be left over.
supervisord_running() {
	[ -S "$supervisord_socket" ] && curl -fsS --max-time 5 --unix-socket "$supervisord_socket" -o /dev/null http://supervisord/ 2>/dev/null
}

# Where the manager looks for the definition of a service.
manager_definition() {
	say "$supervisord_programs/$1.conf"
}

# running, or what it is instead.
manager_state() {
	if ! supervisord_running; then
		say "stopped (no supervisord)"
		return
	fi
	# Over its API: starting supervisorctl takes longer than all else that a preview asks.
	state=$(curl -fsS --max-time 5 --unix-socket "$supervisord_socket" -H 'Content-Type: text/xml' http://supervisord/RPC2 --data "<?xml version='1.0'?>
<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value><string>$1</string></value></param></params></methodCall>" 2>/dev/null |
		sed -n '/<name>statename</{n;s|.*<string>\(.*\)</string>.*|\1|p;}' | tr '[:upper:]' '[:lower:]') || :
	say "${state:-absent}"
}

manager_pid() {
	cat "$PREFIX/run/$1.pid" 2>/dev/null
}

# Starts the service with its current definition, stopping it first where it runs. Whether it is well is for the caller to see.
manager_restart() {
	# `update` restarts a service whose definition changed and no other.
	case $(supervisorctl update "$1") in *"$1"*) return ;; esac
	supervisorctl restart "$1"
}

# Stops the service until it is restarted.
manager_stop() {
	supervisorctl stop "$1" >/dev/null
}

# Makes the running service read its config again.
manager_reload() {
	supervisorctl signal HUP "$1" >/dev/null
}

# Stops the service and forgets it; its definition is gone by now.
manager_forget() {
	if supervisord_running; then
		supervisorctl update "$1" >/dev/null
	fi
}

# The last lines that the service printed.
manager_log() {
	tail -n 15 "$PREFIX/var/log/$1.log" 2>/dev/null || :
}

# As log_since of lib.sh.
manager_log_since() {
	log_since "$PREFIX/var/log/$1.log" "$2" "${3:-}"
}
