# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Writes supervisord.conf and keeps the daemon running. It outlives the run that starts it.
#
# VERSION   of the supervisor environment

# shellcheck source=scripts/managers/supervisord.sh
. "$LIB/managers/supervisord.sh"
# shellcheck source=scripts/servers.sh
. "$LIB/servers.sh"

desired() {
	say "supervisord running"
	sed "s|^|$supervisord_conf: |" "$WORK/body"
}

observe() {
	if supervisord_running; then say "supervisord running"; else say "supervisord stopped"; fi
	if [ -f "$supervisord_conf" ]; then
		sed "s|^|$supervisord_conf: |" "$supervisord_conf"
	else
		say "$supervisord_conf absent"
	fi
}

stop() {
	if supervisord_running; then end_process supervisord "$(cat "$supervisord_pid")"; fi
}

end_process() {
	kill -TERM "$2"
	has_ended "$2" 500 || fail "$1 (pid $2) did not stop within 100 s"
}

# A supervisord that was killed leaves its services without one; they would keep their ports from those that the next one starts.
end_orphans() {
	for pid_file in "$PREFIX"/run/*.pid; do
		pid=$(cat "$pid_file" 2>/dev/null) || continue
		if [ -n "$pid" ] && pid_alive "$pid" && command_line "$pid" | grep -qF "$PREFIX/"; then end_process "$(basename "$pid_file" .pid)" "$pid"; fi
	done
}

apply() {
	mkdir -p "$PREFIX/run" "$PREFIX/var/log" "$supervisord_programs"
	if ! cmp -s "$WORK/body" "$supervisord_conf"; then
		# supervisord reads its own section at start only.
		stop
		cp "$WORK/body" "$supervisord_conf.new"
		mv "$supervisord_conf.new" "$supervisord_conf"
	fi
	if ! supervisord_running; then
		rm -f "$supervisord_pid" "$supervisord_socket"
		end_orphans
		# A clean environment: services must not inherit the driver's credentials.
		cd /
		env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME="$HOME" LC_ALL=C \
			"$supervisor_bin/supervisord" -c "$supervisord_conf" </dev/null >"$WORK/log" 2>&1 || fail "supervisord does not start:
$(cat "$WORK/log")"
		waited=0
		until supervisord_running; do
			waited=$((waited + 1))
			[ "$waited" -le 50 ] || fail "supervisord does not answer:
$(tail -n 20 "$supervisord_log")"
			pause
		done
	fi
	say "supervisord running"
}

remove() {
	stop
	rm -f "$supervisord_conf" "$supervisord_pid" "$supervisord_socket" "$supervisord_log"*
	rmdir "$supervisord_programs" "$(dirname "$supervisord_conf")" 2>/dev/null || :
	say "supervisord stopped and removed"
}
