# shellcheck shell=sh disable=SC2016,SC2034,SC2153,SC2154 # jq programs have $variables; inputs come from task.sh, which reads the names
# What is particular to Pulsar standalone: checking its files, health, and the values in effect.

gojq=$PREFIX/opt/gojq/current/gojq
# A cold start takes 12 s on two idle cores; recovery of a large journal and a busy host take longer.
product_ready_seconds=180

# Value of a key of standalone.conf.
config_value() {
	sed -n "s/^$2=//p" "$1"
}

# The lines of standalone.conf that are ours; they come last.
own_lines() {
	sed '1,/^# Managed by Pulumi/d' "$1"
}

# The candidate among CONFIGS of a file with this name.
candidate_of() {
	for candidate in $CONFIGS; do
		case $candidate in */"$1".*) say "$candidate" ;; esac
	done
}

admin_url() {
	say "http://127.0.0.1:$(config_value "$1" webServicePort)/admin/v2"
}

process_id() {
	manager_pid "$NAME"
}

# Starts Java with the options of an environment file: what it refuses would otherwise be found out by a server that does not start.
java_accepts() {
	(
		# shellcheck source=/dev/null
		. "$1"
		# shellcheck disable=SC2086 # lists of options
		"$JAVA_HOME/bin/java" $PULSAR_MEM $PULSAR_GC $PULSAR_EXTRA_OPTS -version
	)
}

product_check() {
	case $1 in
	*/pulsar_env.sh.new) java_accepts "$1" ;;
	esac
}

# Lines that say why this version must not serve the data.
product_refusals() {
	last=$(cat "$DATA/pulsar-version" 2>/dev/null || :)
	if [ -n "$last" ] && is_earlier_minor "$VERSION" "$last"; then
		say "Pulsar $VERSION must not serve $DATA: $last has written it, and Pulsar does not support going back in general (https://pulsar.apache.org/contribute/release-policy/). Keep ${last%.*}, or choose another messaging:pulsar.dataDirectory."
	fi
	if [ -d "$DATA/zookeeper" ] || [ -d "$DATA/standalone/zookeeper" ]; then
		say "$DATA was made by a standalone with ZooKeeper for metadata; there is no way to RocksDB. Choose another messaging:pulsar.dataDirectory."
	fi
}

product_proven() {
	say "$VERSION" >"$DATA/pulsar-version"
}

# Nothing is taken over without a restart.
product_reloads() {
	return 1
}

product_ready() {
	[ -f "$1" ] && http_get "$(admin_url "$1")/brokers/ready" 3 2>/dev/null | grep -q ok
}

# Keys of the bookie and of the offloader: the broker does not report them.
UNREPORTED='fileSystemProfilePath|fileSystemURI|allowEphemeralPorts|listeningInterface|journalSyncData|dbStorage_[A-Za-z]*|entryLocationRocksdbConf|ledgerMetadataRocksdbConf'

product_wanted() {
	say "version $VERSION"
	own_lines "$1" | grep -vE "^($UNREPORTED)=" | sed 's/=/ /'
	for directory in locations ledgers; do
		case $directory in locations) options=entry_location_rocksdb.conf ;; *) options=ledger_metadata_rocksdb.conf ;; esac
		say "RocksDB $directory block_cache $(sed -n 's/^ *block_cache=//p' "$(candidate_of "$options")")"
	done
	jvm_options | sed 's/^/jvm /'
}

# A line for each option that the environment file asks for.
jvm_options() {
	sed -n -e 's/^PULSAR_MEM="\(.*\)"$/\1/p' -e 's/^PULSAR_GC="\(.*\)"$/\1/p' "$(candidate_of pulsar_env.sh)" | tr ' ' '\n'
}

# The same lines as the running process has them: the broker's configuration over REST, RocksDB's own log, the command line of Java.
product_effective() {
	say "version $(http_get "$(admin_url "$1")/brokers/version" 3)"
	own_lines "$main_config" | grep -vE "^($UNREPORTED)=" | sed 's/=.*//' >"$WORK/keys"
	http_get "$(admin_url "$1")/brokers/configuration/runtime" 5 >"$WORK/runtime"
	"$gojq" -r --rawfile keys "$WORK/keys" \
		'. as $runtime | $keys | split("\n")[] | select(. != "") | "\(.) \($runtime[.] // "not reported" | sub("^Optional\\[(?<value>.*)\\]$"; .value) | sub("\\.0$"; ""))"' "$WORK/runtime"
	for directory in locations ledgers; do
		say "RocksDB $directory block_cache $(sed -n 's/.*capacity : \([0-9]*\)$/\1/p' "$DATA/bookkeeper/current/$directory/LOG" | head -n 1)"
	done
	command_line "$(process_id)" >"$WORK/command"
	jvm_options | while IFS= read -r option; do
		if grep -qxF -e "$option" "$WORK/command"; then say "jvm $option"; fi
	done
}

# The arguments of a process, a line each.
command_line() {
	if [ -r "/proc/$1/cmdline" ]; then tr '\0' '\n' <"/proc/$1/cmdline"; else ps -o args= -p "$1" | tr ' ' '\n'; fi
}

# One JSON document on the running server, for `npm run status`. Memory is what the process has for itself and its share of what it has with others.
product_status() {
	http_get "$(admin_url "$1")/broker-stats/topics" 5 >"$WORK/topics" || return 1
	pid=$(process_id)
	memory=$(awk '/^Pss:/ { print $2 * 1024 }' "/proc/$pid/smaps_rollup" 2>/dev/null || ps -o rss= -p "$pid" | awk '{ print $1 * 1024 }')
	"$gojq" -c -n --slurpfile topics "$WORK/topics" --arg version "$(http_get "$(admin_url "$1")/brokers/version" 3)" --arg uptime "$(ps -o etime= -p "$pid" | tr -d ' ')" \
		--argjson memory "$memory" --arg port "$(config_value "$1" brokerServicePort)" '
		[$topics[0] | to_entries[].value | to_entries[].value | .persistent // {} | to_entries[]] as $all
		| {
			version: $version,
			uptime: $uptime,
			memoryBytes: $memory,
			endpoint: "pulsar://127.0.0.1:\($port)",
			topics: [$all[] | { name: .key, backlog: ([.value.subscriptions[]?.msgBacklog] | add // 0), bytes: .value.storageSize }]
		}'
}
