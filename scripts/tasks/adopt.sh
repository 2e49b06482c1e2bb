# shellcheck shell=sh disable=SC2153,SC2154 # inputs come from task.sh
# Takes over from a server that somebody set up without us: keeps a copy of what describes it, and stops it for good. Its data stays where it is, untouched.
#
# PRODUCT   nats-server or pulsar
# PORT      that it listens on and we want
# DATA      directory of its data, which our server is going to serve

# shellcheck source=scripts/servers.sh
. "$LIB/servers.sh"
copies=$PREFIX/var/lib/messaging/adopted/$PRODUCT

# The process on our port, unless it is ours: none, or its id.
stranger() {
	pid=$(listeners "$PORT" | sed 's/.* //')
	case $pid in '' | unknown) return ;; esac
	for file in "$PREFIX"/run/*.pid; do
		if [ -f "$file" ] && [ "$(cat "$file")" = "$pid" ]; then return; fi
	done
	if [ "$(server_of "$pid")" = "$PRODUCT" ] && ! is_our_unit "$(manager_of "$pid")"; then say "$pid"; fi
}

is_our_unit() {
	for entry in "${ENTRY%/*}"/*/inputs; do
		if grep -qx "UNIT=${1#* }" "$entry" 2>/dev/null; then return; fi
	done
	return 1
}

desired() {
	say "port $PORT: no $PRODUCT but this stack's"
}

plists() {
	if [ "$PRODUCT" = pulsar ]; then earlier_plists; fi
}

observe() {
	plists | sed 's/$/ starts pulsar/'
	pid=$(stranger)
	if [ -z "$pid" ]; then desired; else say "port $PORT: $PRODUCT of $(manager_of "$pid"), process $pid, data in $(data_of "$pid" "$PRODUCT")"; fi
}

refusals() {
	pid=$(stranger)
	[ -n "$pid" ] || return 0
	data=$(data_of "$pid" "$PRODUCT")
	if [ "$data" != "$DATA" ]; then say "the $PRODUCT on port $PORT has its data in ${data:-a place that its command line does not tell}, this stack in $DATA"; fi
}

# Keeps a copy of a file with the time in its name.
keep_copy() {
	if [ -f "$1" ]; then
		cp -p "$1" "$copies/$(date -u +%Y%m%dT%H%M%SZ)-$(basename "$1")"
		say "$1 copied to $copies"
	fi
}

# Disables the service that keeps a process alive, so that neither a crash nor a reboot brings it back, and ends the process.
stop_for_good() {
	manager=$(manager_of "$1")
	name=${manager#* }
	case $manager in
	systemd\ * | systemd-user\ *)
		scope=system
		if [ "${manager%% *}" = systemd-user ]; then scope=user; fi
		for file in $(systemctl "--$scope" show -p FragmentPath --value "$name") $(systemctl "--$scope" show -p DropInPaths --value "$name"); do keep_copy "$file"; done
		systemctl "--$scope" disable --now "$name" >/dev/null 2>&1 || fail "$name cannot be stopped and disabled"
		say "$name stopped and disabled"
		;;
	launchd\ *)
		domain=$(launchd_domain)
		keep_copy "$(launchctl print "$domain/$name" 2>/dev/null | sed -n 's/^[[:space:]]*path = //p')"
		launchctl disable "$domain/$name"
		launchctl bootout "$domain/$name" 2>/dev/null || :
		say "$name stopped and disabled"
		;;
	*) kill -TERM "$1" 2>/dev/null || : ;;
	esac
	has_ended "$1" 450 || fail "process $1 does not end"
	say "process $1 ended"
}

# Its label cannot be loaded again once the property list is gone.
take_away_plist() {
	keep_copy "$1"
	launchctl bootout "$(launchd_domain)/com.ai.pulsar" 2>/dev/null || :
	rm -f "$1"
}

launchd_domain() {
	if [ "$(id -u)" = 0 ]; then say system; else say "gui/$(id -u)"; fi
}

apply() {
	mkdir -p "$copies"
	pid=$(stranger)
	plists >"$WORK/plists"
	while IFS= read -r plist; do take_away_plist "$plist"; done <"$WORK/plists"
	if [ -z "$pid" ]; then
		say "no other $PRODUCT on port $PORT"
		return
	fi
	keep_copy "$(config_of "$pid" "$PRODUCT")"
	stop_for_good "$pid"
	# Something that nobody told of may start it again.
	sleep 2
	pid=$(stranger)
	[ -z "$pid" ] || fail "$PRODUCT is back as process $pid: stop what starts it and run up again"
}

remove() {
	say "copies of what was adopted stay in $copies"
}
