# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# The journal that the services of a stack have for themselves under systemd, with the limits in the body. man 8 systemd-journald (journal namespaces)
#
# JOURNAL   name of the namespace

conf=/etc/systemd/journald@$JOURNAL.conf

desired() {
	say "$conf"
	cat "$WORK/body"
}

observe() {
	if [ -f "$conf" ]; then
		say "$conf"
		cat "$conf"
	else
		say "$conf absent"
	fi
}

apply() {
	cp "$WORK/body" "$conf.new"
	chmod 644 "$conf.new"
	mv "$conf.new" "$conf"
	# It reads its limits when it starts; what is written meanwhile waits in its socket.
	systemctl try-restart "systemd-journald@$JOURNAL.service"
	say "journal $JOURNAL limited"
}

# Logs go with the task.
remove() {
	rm -f "$conf"
	systemctl stop "systemd-journald@$JOURNAL.socket" "systemd-journald-varlink@$JOURNAL.socket" "systemd-journald@$JOURNAL.service" 2>/dev/null || :
	rm -rf /var/log/journal/*."$JOURNAL" /run/log/journal/*."$JOURNAL"
	say "journal $JOURNAL removed"
}
