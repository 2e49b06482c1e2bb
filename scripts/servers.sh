# shellcheck shell=sh
# Who listens where on this host, and what there is to know about a NATS server or a Pulsar that somebody set up without us. Sourced by scripts, and by
# observe.sh on a host that has none.

# Ports among the given ones that somebody listens on, at 127.0.0.1 or every address, each with the id of the process or `unknown`; the descriptors of a process
# are readable for its user and root only. The kernel writes addresses in hexadecimal, IPv4 in host byte order. One ls for all processes: a JVM has hundreds of
# descriptors.
linux_listeners() {
	sockets=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v wanted="$*" '
		BEGIN { for (i = split(wanted, ports, " "); i > 0; i--) port[sprintf("%04X", ports[i])] = ports[i] }
		$4 == "0A" && split($2, address, ":") == 2 && address[1] ~ /^(0100007F|7F000001|0+|0*FFFF00000100007F)$/ && address[2] in port {
			printf "%s %s ", port[address[2]], $10
			delete port[address[2]]
		}')
	[ -n "$sockets" ] || return 0
	# shellcheck disable=SC2012 # the target of a link is all that is read
	ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v sockets="$sockets" '
		BEGIN { for (i = split(sockets, fields, " "); i > 0; i -= 2) holder[port["socket:[" fields[i] "]"] = fields[i - 1]] = "unknown" }
		/^\/proc\// { split($0, path, "/") }
		$NF in port { holder[port[$NF]] = path[3] }
		END { for (number in holder) print number, holder[number] }'
}

bsd_listeners() {
	for number in "$@"; do
		lsof -nP "-iTCP:$number" -sTCP:LISTEN -Fpn 2>/dev/null | awk -v port="$number" '
			/^p/ { pid = substr($0, 2) }
			/^n(\*|127\.0\.0\.1|\[::\]):/ { print port, pid; exit }'
	done
}

listeners() {
	if [ -r /proc/net/tcp ]; then linux_listeners "$@"; else bsd_listeners "$@"; fi
}

# The arguments of a process, a line each.
command_line() {
	if [ -r "/proc/$1/cmdline" ]; then tr '\0' '\n' <"/proc/$1/cmdline"; else ps -o args= -p "$1" | tr ' ' '\n'; fi
}

# nats-server or pulsar, when a process is one.
server_of() {
	case $(command_line "$1" | paste -s -d ' ' -) in
	*nats-server*) printf 'nats-server\n' ;;
	*org.apache.pulsar.PulsarStandaloneStarter*) printf 'pulsar\n' ;;
	esac
}

# The argument after, or behind the = of, one of the given options.
option_of() {
	pid=$1
	shift
	command_line "$pid" | awk -v options="$*" '
		BEGIN { for (i = split(options, names, " "); i > 0; i--) wanted[names[i]] }
		found { print; exit }
		{ split($0, half, "="); if (half[1] in wanted && half[2] != "") { print half[2]; exit } }
		$0 in wanted { found = 1 }'
}

# A path of a process, absolute.
path_of() {
	case $2 in
	'' | /*) printf '%s\n' "$2" ;;
	*) printf '%s/%s\n' "$(readlink "/proc/$1/cwd" 2>/dev/null || lsof -a -p "$1" -d cwd -Fn 2>/dev/null | sed -n 's/^n//p')" "${2#./}" ;;
	esac
}

# What keeps a process alive: `systemd UNIT`, `systemd-user UNIT`, `launchd LABEL`, or `nothing`.
manager_of() {
	unit=$(sed -n 's|^[0-9]*:[^:]*:.*/\([^/]*\.service\)$|\1|p' "/proc/$1/cgroup" 2>/dev/null | head -n 1)
	case $unit in
	'' | user@*) ;;
	*)
		if grep -q '/user@[0-9]*\.service/' "/proc/$1/cgroup"; then printf 'systemd-user %s\n' "$unit"; else printf 'systemd %s\n' "$unit"; fi
		return
		;;
	esac
	label=$(launchctl list 2>/dev/null | awk -v pid="$1" '$1 == pid { print $3 }')
	if [ -n "$label" ]; then printf 'launchd %s\n' "$label"; else printf 'nothing\n'; fi
}

# Property lists of the label that an earlier way of setting up Pulsar used (PULSAR_PREFIX says where it went): they start it at the next login or boot, whether it
# runs now or not.
earlier_plists() {
	for plist in "${HOME:-/}/Library/LaunchAgents/com.ai.pulsar.plist" /Library/LaunchDaemons/com.ai.pulsar.plist; do
		if [ -f "$plist" ]; then printf '%s\n' "$plist"; fi
	done
}

# Where such a property list says that Pulsar was installed.
prefix_of_plist() {
	sed -n '/<key>PULSAR_PREFIX</{n;s|.*<string>\(.*\)</string>.*|\1|p;}' "$1"
}

config_of() {
	case $2 in
	nats-server) path_of "$1" "$(option_of "$1" -c --config -config)" ;;
	*) path_of "$1" "$(option_of "$1" -c --config)" ;;
	esac
}

# The directory of the ledgers of a Pulsar.
ledgers_of() {
	ledgers=$(option_of "$1" --bookkeeper-dir)
	path_of "$1" "${ledgers:-data/standalone/bookkeeper}"
}

# The id that the bookie of a Pulsar has in its ledgers; it cannot change.
bookie_of() {
	sed -n 's/^bookieHost: "\(.*\)"$/\1/p' "$(ledgers_of "$1")"/current/VERSION 2>/dev/null
}

# The directory in which a server has its data: JetStream's store, or the one that has Pulsar's metadata and ledgers.
data_of() {
	if [ "$2" = pulsar ]; then
		metadata=$(path_of "$1" "$(option_of "$1" --metadata-dir)")
		if [ -z "$metadata" ]; then metadata=$(path_of "$1" data/metadata); fi
		printf '%s\n' "${metadata%/*}"
		return
	fi
	store=$(option_of "$1" -sd --store_dir -store_dir)
	if [ -z "$store" ]; then
		store=$(sed -n 's/^[[:space:]]*store_dir[[:space:]:=]*["'"'"']\{0,1\}\([^"'"'"' #]*\).*/\1/p' "$(config_of "$1" nats-server)" 2>/dev/null | head -n 1)
	fi
	path_of "$1" "$store"
}
