# shellcheck shell=sh disable=SC2034,SC2154 # inputs come from task.sh, tasks use the names
# Services under macOS's launchd: the manager_* functions that the service task calls. man 1 launchctl, man 5 launchd.plist
#
# SCOPE   system for a daemon, user for an agent of the user that this runs as
# UNIT    label of the job

case $SCOPE in
user)
	launchd_plists=$HOME/Library/LaunchAgents
	# The session at the screen where there is one, else the user's background session.
	if launchctl print "gui/$(id -u)" >/dev/null 2>&1; then launchd_domain=gui/$(id -u); else launchd_domain=user/$(id -u); fi
	;;
*)
	launchd_plists=/Library/LaunchDaemons
	launchd_domain=system
	;;
esac
launchd_job=$launchd_domain/$UNIT

# Value of a line `key = value` of what launchd says about the job.
launchd_value() {
	launchctl print "$launchd_job" 2>/dev/null | sed -n "s/^[[:space:]]*$1 = //p" | head -n 1
}

# Where the manager looks for the definition of a service.
manager_definition() {
	say "$launchd_plists/$UNIT.plist"
}

# running, or what it is instead, in the words that every manager uses.
manager_state() {
	case $(launchd_value state) in
	running) say running ;;
	'') say absent ;;
	*) say starting ;;
	esac
}

manager_pid() {
	launchd_value pid
}

# Starts the service with its current definition, stopping it first where it runs. Whether it is well is for the caller to see.
manager_restart() {
	launchd_unload
	launchctl enable "$launchd_job"
	launchctl bootstrap "$launchd_domain" "$launchd_plists/$UNIT.plist"
}

# launchd answers before the job has ended, and takes no new definition until then.
launchd_unload() {
	launchctl bootout "$launchd_job" 2>/dev/null || :
	waited=0
	while launchctl print "$launchd_job" >/dev/null 2>&1 && [ "$waited" -lt 600 ]; do
		waited=$((waited + 1))
		pause
	done
}

# Stops the service until it is restarted.
manager_stop() {
	launchd_unload
}

# Makes the running service read its config again.
manager_reload() {
	launchctl kill HUP "$launchd_job"
}

# Stops the service and forgets it; its definition is gone by now.
manager_forget() {
	launchd_unload
}

# The last lines that the service printed.
manager_log() {
	tail -n 15 "$PREFIX/var/log/$1.log" 2>/dev/null || :
}

# As log_since of lib.sh.
manager_log_since() {
	log_since "$PREFIX/var/log/$1.log" "$2" "${3:-}"
}
