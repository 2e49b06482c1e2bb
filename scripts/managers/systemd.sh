# shellcheck shell=sh disable=SC2034,SC2154 # inputs come from task.sh, tasks use the names
# Services under systemd: the manager_* functions that the service task calls.
#
# SCOPE   system, or user for the manager of the user that this runs as
# UNIT    name of the unit, with its suffix
# JOURNAL namespace of the journal that it writes to; unset: the system's

case $SCOPE in
user)
	systemd_units=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
	systemd_target=default.target
	# A session over SSH may come without it.
	XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
	export XDG_RUNTIME_DIR
	;;
*)
	systemd_units=/etc/systemd/system
	systemd_target=multi-user.target
	;;
esac
# What makes it start with the machine. `systemctl enable` takes a link to a file of another name for an alias and makes none.
systemd_wanted=$systemd_units/$systemd_target.wants/$UNIT

systemd() {
	systemctl "--$SCOPE" "$@"
}

# What systemd knows of the unit by now, for systemd_property: one question, because each takes as long as all else that is asked about a service.
systemd_look() {
	systemd show -p ActiveState -p SubState -p MainPID -p ControlGroup -p DropInPaths "$UNIT" >"$WORK/unit" 2>/dev/null || :
}

systemd_property() {
	sed -n "s/^$1=//p" "$WORK/unit"
}

# Where the manager looks for the definition of a service.
manager_definition() {
	say "$systemd_units/$UNIT"
}

# running, or what it is instead, in the words that every manager uses.
manager_state() {
	systemd_look
	case $(systemd_property ActiveState)/$(systemd_property SubState) in
	active/running) say running ;;
	*/auto-restart | activating/*) say starting ;;
	failed/*) say fatal ;;
	inactive/*) say "stopped ($UNIT)" ;;
	*) say absent ;;
	esac
}

manager_pid() {
	systemd_look
	systemd_property MainPID
}

# What the unit adds up to besides its file, a line each: drop-ins beside it, whether it comes back after a reboot, the cap that its cgroup has, which is there
# while the service is.
manager_wanted() {
	systemd_look
	say "$UNIT enabled, no drop-ins"
	cap=$(sed -n 's/^MemoryMax=//p' "$DEFINITION" 2>/dev/null)
	# The kernel counts in pages.
	if [ -n "$cap" ] && [ -n "$(systemd_property ControlGroup)" ]; then say "memory cap $((cap / 4096 * 4096))"; fi
}

manager_effective() {
	systemd_look
	drop_ins=$(systemd_drop_ins)
	if [ "$(link_target "$systemd_wanted")" = "../$UNIT" ]; then enabled=enabled; else enabled=disabled; fi
	say "$UNIT $enabled, ${drop_ins:-no drop-ins}"
	group=$(systemd_property ControlGroup)
	if [ -n "$group" ] && grep -q '^MemoryMax=' "$DEFINITION" 2>/dev/null; then
		cat "/sys/fs/cgroup$group/memory.max" "/sys/fs/cgroup/memory$group/memory.limit_in_bytes" 2>/dev/null | sed 's/^/memory cap /'
	fi
}

# Those of this unit: what a distribution adds to every service is not ours to judge.
systemd_drop_ins() {
	for drop_in in $(systemd_property DropInPaths); do
		case $drop_in in */"$UNIT".d/*) printf '%s ' "$drop_in" ;; esac
	done
}

# Starts the service with its current definition, stopping it first where it runs. Whether it is well is for the caller to see.
manager_restart() {
	systemd_look
	for drop_in in $(systemd_drop_ins); do
		say "$drop_in is removed: change the stack config instead"
		rm -f "$drop_in"
		rmdir "${drop_in%/*}" 2>/dev/null || :
	done
	mkdir -p "${systemd_wanted%/*}"
	link_to "$systemd_wanted" "../$UNIT"
	systemd daemon-reload
	systemd reset-failed "$UNIT" 2>/dev/null || :
	systemd restart "$UNIT"
}

# Stops the service until it is restarted.
manager_stop() {
	systemd stop "$UNIT"
}

# Makes the running service read its config again.
manager_reload() {
	systemd reload "$UNIT"
}

# Stops the service and forgets it; its definition is gone by now.
manager_forget() {
	systemd stop "$UNIT" 2>/dev/null || :
	rm -rf "$systemd_wanted" "$systemd_units/$UNIT.d"
	systemd daemon-reload
	systemd reset-failed "$UNIT" 2>/dev/null || :
}

# The last lines that the service printed; the second argument is their number, or all.
manager_log() {
	systemd_journal -n "${2:-15}" || :
}

# As log_since of lib.sh; a position is the journal's cursor.
manager_log_since() {
	if [ -n "${3:-}" ]; then set -- --after-cursor "$3"; else set -- -n "$2"; fi
	systemd_journal "$@" --show-cursor | awk '/^-- cursor: / { sub(/^-- cursor: /, ""); printf "\036%s\n", $0; next } { print }' || :
}

# What the journal has of the service.
systemd_journal() {
	set -- --no-pager --quiet -o cat "$@"
	case $SCOPE in
	user) journalctl --user --user-unit "$UNIT" "$@" ;;
	*)
		# A systemd before 245 has no namespaces and ignores that of the unit.
		{ [ -n "${JOURNAL:-}" ] && journalctl --namespace "$JOURNAL" --unit "$UNIT" "$@"; } || journalctl --unit "$UNIT" "$@"
		;;
	esac 2>/dev/null
}
