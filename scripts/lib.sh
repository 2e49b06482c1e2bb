# shellcheck shell=sh
# What every task uses. POSIX sh and utilities only; what differs between GNU, BSD and BusyBox is hidden here.

say() {
	printf '%s\n' "$*"
}

fail() {
	printf '%s\n' "$*" >&2
	exit 1
}

# SHA-2 digest of a file in hexadecimal; the second argument is its length in bits, 256 without one.
digest_of() {
	# OpenSSL takes the processor's own instructions for it: a quarter of the time, and previews read every executable.
	if command -v openssl >/dev/null 2>&1; then
		openssl dgst "-sha${2:-256}" -r <"$1" | cut -d ' ' -f 1
	elif command -v sha256sum >/dev/null 2>&1; then
		"sha${2:-256}sum" <"$1" | cut -d ' ' -f 1
	else
		shasum -a "${2:-256}" <"$1" | cut -d ' ' -f 1
	fi
}

# The KEY=value lines of a file without the keys that a second one has, then those of the second. Some readers take the first of two equal keys and some the
# last, so each stands once.
overridden() {
	awk -F = 'FILENAME == ARGV[1] { own[$1]; next } !($1 in own)' "$2" "$1" && cat "$2"
}

# Digest and name of each script in a directory.
script_digests() (
	cd "$1" || exit
	if command -v sha256sum >/dev/null 2>&1; then sha256sum ./*.sh ./*/*.sh; else shasum -a 256 ./*.sh ./*/*.sh; fi | awk '{ print substr($2, 3), $1 }'
)

# Lines of the first file that the second lacks, and the other way round; repeated lines count. (diff and comm differ between userlands.)
compare_lines() {
	awk '
		FILENAME == ARGV[1] { line[++lines] = $0; wanted[$0]++; next }
		wanted[$0] > 0 { wanted[$0]--; next }
		{ found[++others] = $0 }
		END {
			for (i = 1; i <= lines; i++) if (wanted[line[i]]-- > 0) print "expected: " line[i]
			for (i = 1; i <= others; i++) print "found:    " found[i]
		}' "$1" "$2"
}

# Permission string and owner of a path, such as `drwx------ nats`, without the marks that ls adds for ACLs.
mode_of() {
	# shellcheck disable=SC2012 # stat has no portable options; the path comes last and is not read
	ls -ld "$1" | awk '{ print substr($1, 1, 10), $3 }'
}

# Permissions of a file that only its owner, and GROUP where it is set, may read: as they have to be, and as they are.
private_mode() {
	if [ -n "${GROUP:-}" ]; then say "-rw-r----- $(id -un) $GROUP"; else say "-rw------- $(id -un)"; fi
}

private_mode_of() {
	if [ -n "${GROUP:-}" ]; then
		# shellcheck disable=SC2012 # as mode_of
		ls -ld "$1" | awk '{ print substr($1, 1, 10), $3, $4 }'
	else
		mode_of "$1"
	fi
}

# Gives a file to GROUP to read, where it is set; its owner has made it for nobody else.
share_private() {
	if [ -n "${GROUP:-}" ]; then
		chgrp "$GROUP" "$1"
		chmod 640 "$1"
	fi
}

# What a task that writes its body to a private file asks for, and the same lines as the file is. The second argument heads each line of the text.
wanted_file() {
	say "$1 $(private_mode)"
	sed "s|^|$2: |" "$WORK/body"
}

found_file() {
	if [ -f "$1" ]; then
		say "$1 $(private_mode_of "$1")"
		sed "s|^|$2: |" "$1"
	else
		say "$1 absent"
	fi
}

# Has everything below the prefix written to its disk, so that what is recorded as done outlives a power failure.
sync_prefix() {
	sync -f "$PREFIX" 2>/dev/null || sync
}

# Target of a symbolic link, or what is there instead.
link_target() {
	if [ -L "$1" ]; then readlink "$1"; elif [ -e "$1" ]; then say "no link"; else say absent; fi
}

# Points a link at a target in one step, so that nobody ever sees it missing.
link_to() {
	ln -s "$2" "$1.new.$$"
	if mv -T "$1.new.$$" "$1" 2>/dev/null; then return; fi
	# BSD mv has no -T and would move the new link into the directory the old one points at; -h keeps it from following.
	if mv -h "$1.new.$$" "$1" 2>/dev/null; then return; fi
	rm -f "$1.new.$$" "$1"
	ln -s "$2" "$1"
}

# Is the first version of an earlier minor release than the second?
is_earlier_minor() {
	[ "${1%.*}" != "${2%.*}" ] && [ "$(printf '%s\n' "${1%.*}" "${2%.*}" | sort -t . -k 1,1n -k 2,2n | head -n 1)" = "${1%.*}" ]
}

# The list of objects that may lose messages, one a line.
consents_file() {
	say "$PREFIX/var/lib/messaging/ledger/$STACK/allow-data-loss"
}

# May the object of this task, or the one named, lose messages?
consented() {
	purging || { [ -f "$(consents_file)" ] && grep -qxF "${1:-$OBJECT}" "$(consents_file)"; }
}

# Is all data to go? The file (scripts/purge.sh) says until when in seconds since 1970: a run that was cut off must not decide about the next.
purging() {
	[ "$(cat "$PREFIX/var/lib/messaging/purge" 2>/dev/null || say 0)" -gt "$(date +%s)" ]
}

# Where it stands what was kept when it was removed from the stack, a file for each resource; applying the resource again takes its file away.
kept_directory() {
	say "$PREFIX/var/lib/messaging/kept"
}

# Says that an object stays, and notes it with the time: keep OBJECT WHY
keep() {
	say "$1 kept $2"
	[ -d "$(kept_directory)" ] || mkdir -p "$(kept_directory)"
	printf '%s\t%s\t%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$2" >>"$(kept_directory)/$RESOURCE"
}

how_to_consent() {
	say "To accept the loss, add \"$OBJECT\" to messaging:allowDataLoss."
}

# The last lines of a log file, or, with the position of an earlier call, what came since: the rest of the one that was rotated away, and all of its successor.
# A last line with a record separator and the position of the end: number of the file and bytes.
log_since() {
	[ -f "$1" ] || return 0
	now=$(position_of "$1")
	case ${3:-} in
	'') tail -n "$2" "$1" ;;
	"${now% *} "*) part_of "$1" "${3#* }" "${now#* }" ;;
	*)
		if [ -f "$1.1" ]; then
			rotated=$(position_of "$1.1")
			if [ "${rotated% *}" = "${3% *}" ]; then part_of "$1.1" "${3#* }" "${rotated#* }"; fi
		fi
		part_of "$1" 0 "${now#* }"
		;;
	esac
	printf '\036%s\n' "$now"
}

position_of() {
	# shellcheck disable=SC2012 # only the number is read
	say "$(ls -i "$1" | awk '{ print $1 }') $(wc -c <"$1" | tr -d ' ')"
}

# Bytes of a file from one position to another.
part_of() {
	tail -c "+$(($2 + 1))" "$1" | head -c "$(($3 - $2))"
}

# curl without a proxy, with what a server asks the stack for; that is in a file below etc, and in no command line: own_curl FILE ARGUMENT ...
own_curl() {
	credentials=$PREFIX/etc/$1
	shift
	if [ -f "$credentials" ]; then curl -q -K "$credentials" --noproxy '*' "$@"; else curl -q --noproxy '*' "$@"; fi
}

# curl on Pulsar, as the stack's own role, and on Benthos's API.
pulsar_curl() {
	own_curl pulsar/admin.curl "$@"
}

benthos_curl() {
	own_curl benthos/api.curl "$@"
}

# Lets the nats CLI connect to the server at an address, as the stack's own user where the server in effect asks who it is, and over TLS and with a certificate where it asks for them.
nats_environment() {
	NATS_URL=$1 NATS_NKEY='' NATS_CA='' NATS_CERT='' NATS_KEY=''
	if grep -q '^include ' "$PREFIX/etc/nats/nats-server.conf" 2>/dev/null; then NATS_NKEY=$PREFIX/etc/nats/keys/operator.nk; fi
	if grep -q '^tls ' "$PREFIX/etc/nats/nats-server.conf" 2>/dev/null; then NATS_CA=$PREFIX/etc/tls/ca.pem; fi
	if grep -q '^ *cert_file: .*/own\.pem"' "$PREFIX/etc/nats/nats-server.conf" 2>/dev/null; then NATS_CA=$PREFIX/etc/tls/nats-ca.pem; fi
	if grep -q '^ *verify: true' "$PREFIX/etc/nats/nats-server.conf" 2>/dev/null; then
		NATS_CERT=$PREFIX/etc/tls/clients/operator.pem NATS_KEY=$PREFIX/etc/tls/clients/operator.key
	fi
	export NATS_URL NATS_NKEY NATS_CA NATS_CERT NATS_KEY
}

# The nats CLI on such a server: nats_cli URL ARGUMENT ...
nats_cli() (
	nats_environment "$1"
	shift
	exec "$PREFIX/opt/nats/current/nats" --no-context "$@"
)

# Waits a fifth of a second or for the given seconds; a second where sleep takes whole seconds only.
pause() {
	sleep "${1:-0.2}" 2>/dev/null || sleep 1
}

# Body of a URL on standard output, without a proxy; fails when the answer is not 2xx. The second argument bounds it, in seconds.
http_get() {
	if command -v curl >/dev/null 2>&1; then
		curl -fsS --noproxy '*' --max-time "$2" "$1"
	else
		http_proxy='' wget -q -O - -T "$2" "$1"
	fi
}

# The samples of some metrics in a file of Prometheus's text format, a JSON object each: samples FILE NAME ...
samples() {
	from=$1
	shift
	# shellcheck disable=SC2154 # of the product
	grep -E "^($(say "$@" | tr ' ' '|'))[{ ]" "$from" | "$gojq" -c -R '
		capture("^(?<name>[^{ ]+)(\\{(?<labels>.*)\\})? (?<value>[^ ]+)( [0-9]+)?$")
		| { name, value: (.value | tonumber? // 0), labels: ([.labels // "" | scan("([a-zA-Z_]+)=\"((?:[^\"\\\\]|\\\\.)*)\"") | { (.[0]): .[1] }] | add // {}) }'
}

# Is the process with this id alive? A zombie that nobody has collected yet is not.
pid_alive() {
	kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# Waits until a process has ended, for so many pauses at most; false when it has not by then.
has_ended() {
	waited=0
	while pid_alive "$1"; do
		waited=$((waited + 1))
		[ "$waited" -le "$2" ] || return 1
		pause
	done
}

# Id of the process that the service of this task runs.
process_id() {
	manager_pid "$NAME"
}

# Bytes that a process has for itself and its share of what it has with others; resident ones where the system does not tell.
memory_of() {
	awk '/^Pss:/ { printf "%.0f\n", $2 * 1024 }' "/proc/$1/smaps_rollup" 2>/dev/null || ps -o rss= -p "$1" | awk '{ printf "%.0f\n", $1 * 1024 }'
}

# How long a process has been running, as [[days-]hours:]minutes:seconds.
uptime_of() {
	ps -o etime= -p "$1" | tr -d ' '
}

# Value of a variable in the environment that a process was started with; ps shows it where there is no /proc.
environment_of() {
	if [ -r "/proc/$1/environ" ]; then tr '\0' '\n' <"/proc/$1/environ"; else ps -E -o command= -p "$1" | tr ' ' '\n'; fi | sed -n "s/^$2=//p"
}
