# shellcheck shell=sh disable=SC2016,SC2034,SC2153,SC2154 # jq programs have $variables; inputs come from task.sh, which reads the names
# What is particular to Pulsar standalone: checking its files, health, and the values in effect.

# shellcheck source=scripts/servers.sh
. "$LIB/servers.sh"
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

# Ready brokers still have to write down their cluster when they start for the first time; nobody can make a tenant until then.
product_ready() {
	[ -f "$1" ] || return 1
	pulsar_curl -fsS --max-time 3 "$(admin_url "$1")/brokers/ready" 2>/dev/null | grep -q ok || return 1
	pulsar_curl -fsS --max-time 3 "$(admin_url "$1")/clusters" 2>/dev/null | grep -q '"'
}

# Keys of the bookie and of the offloader: the broker does not report them.
UNREPORTED='authenticationProviders|tokenSecretKey|superUserRoles|brokerClient[A-Za-z]*|bookieId|fileSystemProfilePath|fileSystemURI|allowEphemeralPorts|listeningInterface|journalSyncData|dbStorage_[A-Za-z]*|entryLocationRocksdbConf|ledgerMetadataRocksdbConf'

product_wanted() {
	say "version $VERSION"
	own_lines "$1" | grep -vE "^($UNREPORTED)=" | sed 's/=/ /'
	for directory in locations ledgers; do
		case $directory in locations) options=entry_location_rocksdb.conf ;; *) options=ledger_metadata_rocksdb.conf ;; esac
		say "RocksDB $directory block_cache $(sed -n 's/^ *block_cache=//p' "$(candidate_of "$options")")"
	done
	jvm_options | sed 's/^/jvm /'
}

# Where the running server has its ledgers.
bookkeeper_directory() {
	option_of "$(process_id)" --bookkeeper-dir
}

# A line for each option that the environment file asks for.
jvm_options() {
	sed -n -e 's/^PULSAR_MEM="\(.*\)"$/\1/p' -e 's/^PULSAR_GC="\(.*\)"$/\1/p' "$(candidate_of pulsar_env.sh)" | tr ' ' '\n'
}

# The same lines as the running process has them: the broker's configuration over REST, RocksDB's own log, the command line of Java.
product_effective() {
	say "version $(pulsar_curl -fsS --max-time 3 "$(admin_url "$1")/brokers/version")"
	own_lines "$main_config" | grep -vE "^($UNREPORTED)=" | sed 's/=.*//' >"$WORK/keys"
	pulsar_curl -fsS --max-time 5 "$(admin_url "$1")/brokers/configuration/runtime" >"$WORK/runtime"
	"$gojq" -r --rawfile keys "$WORK/keys" \
		'. as $runtime | $keys | split("\n")[] | select(. != "") | "\(.) \($runtime[.] // "not reported" | sub("^Optional\\[(?<value>.*)\\]$"; .value) | sub("^(?<whole>-?[0-9]+)\\.0$"; .whole))"' "$WORK/runtime"
	for directory in locations ledgers; do
		say "RocksDB $directory block_cache $(sed -n 's/.*capacity : \([0-9]*\)$/\1/p' "$(bookkeeper_directory)/current/$directory/LOG" | head -n 1)"
	done
	command_line "$(process_id)" >"$WORK/command"
	jvm_options | while IFS= read -r option; do
		if grep -qxF -e "$option" "$WORK/command"; then say "jvm $option"; fi
	done
}

# Asks for the topics of every namespace but Pulsar's own, an answer for each in $WORK/answers; fails when the server is gone or what it says is not understood.
list_topics() {
	ADMIN_URL=$(admin_url "$CONFIG")
	ADMIN_URL=${ADMIN_URL%/admin/v2}
	# shellcheck source=scripts/pulsar-admin.sh
	. "$LIB/pulsar-admin.sh"
	: >"$WORK/answers"
	say "GET tenants" | pulsar_requests || return 1
	for path in namespaces persistent; do
		pulsar_answers ".[] | select(. != \"pulsar\") | \"GET $path/\(.)\"" >"$WORK/questions" || return 1
		: >"$WORK/answers"
		pulsar_requests <"$WORK/questions" || return 1
	done
}

# Bytes that the topics of all namespaces store.
stored_bytes() {
	list_topics || no_answer
	pulsar_answers '.[] | select(contains("/__") | not) | "GET \(sub("://"; "/"))/stats"' >"$WORK/questions"
	: >"$WORK/answers"
	pulsar_requests <"$WORK/questions" || no_answer
	"$gojq" -n -r --rawfile answers "$WORK/answers" '[$answers | splits("\u001d") | split("\u001e") | select(length == 2) | .[0] | fromjson? | .storageSize? // 0] | add // 0'
}

# The data directory as it is, with the server stopped: messages, subscriptions with their positions, policies and schemas belong together, and no export of
# Pulsar has all of them.
product_backup() {
	manager_stop "$NAME"
	copied=yes
	cp -R -p "$DATA" "$1" || copied=
	start_again || fail "$NAME does not start again after its data was copied: npm run up"
	[ -n "$copied" ] || fail "$DATA could not be copied"
	say "$DATA, $(du -sk "$1" | cut -f 1) kB"
}

start_again() {
	manager_restart "$NAME" >/dev/null 2>&1 || :
	wait_until_ready
}

product_restore() {
	last=$(cat "$1/pulsar-version" 2>/dev/null || :)
	if [ -n "$last" ] && is_earlier_minor "$VERSION" "$last"; then fail "nothing was restored: Pulsar $last has written the backup, this is $VERSION"; fi
	stored=$(stored_bytes)
	[ "$stored" = 0 ] || fail "nothing was restored: Pulsar stores $stored bytes of messages, which are not replaced"
	rm -rf "$DATA.restored"
	cp -R -p "$1" "$DATA.restored"
	chmod 700 "$DATA.restored"
	# shellcheck disable=SC2012 # as mode_of
	chown -R "$(ls -ld "$DATA" | awk '{ print $3 ":" $4 }')" "$DATA.restored"
	manager_stop "$NAME"
	mv "$DATA" "$DATA.before"
	mv "$DATA.restored" "$DATA"
	if ! start_again >"$WORK/reason"; then
		manager_log "$NAME" >"$WORK/service-log"
		manager_stop "$NAME"
		rm -rf "$DATA"
		mv "$DATA.before" "$DATA"
		start_again || :
		fail "nothing was restored: Pulsar does not start on the backup; the ports have to be those that it was made with. $(cat "$WORK/reason" "$WORK/service-log")"
	fi
	rm -rf "$DATA.before"
	say "$DATA, $(du -sk "$DATA" | cut -f 1) kB"
}

# Namespaces that no task of the ledger is about, and how many topics ours have beside the declared ones. Pulsar's own are nobody's until they have topics.
product_unmanaged() {
	for entry in "${ENTRY%/*}"/*-pulsar-namespaces/inputs; do
		if [ -f "$entry" ]; then sed '1,/^$/d' "$entry"; fi
	done | cut -d ' ' -f 1 | sort -u >"$WORK/declared"
	list_topics || return 0
	"$gojq" -n -r --rawfile answers "$WORK/answers" --rawfile declared "$WORK/declared" '
		[$declared | splits("\n") | select(. != "")] as $declared
		| $answers | splits("\u001d") | split("\u001e") | select(length == 2)
		| (.[1] | split("/")[1:] | join("/")) as $namespace
		| [.[0] | fromjson? | arrays | .[] | sub("^persistent://"; "topic/") | sub("-partition-[0-9]+$"; "") | select(contains("/__") | not)] as $topics
		| ($topics | unique - $declared | length) as $others
		| if $declared | index("namespace/\($namespace)") then select($others > 0) | "namespace/\($namespace): \($others) topics beside the declared ones"
		  else select($others > 0 or ($namespace | startswith("public/") | not)) | "namespace/\($namespace) with \($others) topics" end'
}

# One JSON document on the running server, for `npm run status`; counters since a topic was loaded.
product_status() {
	url=$(admin_url "$1")
	pulsar_curl -fsS --max-time 10 "${url%/admin/v2}/metrics/" >"$WORK/metrics" || return 1
	samples "$WORK/metrics" pulsar_in_messages_total pulsar_in_bytes_total pulsar_out_messages_total pulsar_out_bytes_total pulsar_storage_size \
		pulsar_subscription_back_log pulsar_subscription_unacked_messages pulsar_subscription_blocked_on_unacked_messages >"$WORK/samples"
	"$gojq" -c -n --slurpfile samples "$WORK/samples" --arg version "$(pulsar_curl -fsS --max-time 3 "$url/brokers/version")" --arg port "$(config_value "$1" brokerServicePort)" '
		# Without the topics that Pulsar keeps for itself: those of its own tenant and those that begin with two underscores.
		[$samples[] | select(.labels.topic // "" | . != "" and (test("^persistent://pulsar/|/__[^/]*$") | not))] as $all
		| def total($name): [.[] | select(.name == $name) | .value] | add // 0;
		{
			version: $version,
			endpoint: "pulsar://127.0.0.1:\($port)",
			received: { messages: ($all | total("pulsar_in_messages_total")), bytes: ($all | total("pulsar_in_bytes_total")) },
			sent: { messages: ($all | total("pulsar_out_messages_total")), bytes: ($all | total("pulsar_out_bytes_total")) },
			topics: [$all | group_by(.labels.topic)[] | {
				name: .[0].labels.topic,
				received: total("pulsar_in_messages_total"),
				bytes: total("pulsar_storage_size"),
				backlog: total("pulsar_subscription_back_log"),
				subscriptions: [map(select(.labels.subscription)) | group_by(.labels.subscription)[] | {
					name: .[0].labels.subscription,
					sent: total("pulsar_out_messages_total"),
					backlog: total("pulsar_subscription_back_log"),
					unacknowledged: total("pulsar_subscription_unacked_messages"),
					blocked: (total("pulsar_subscription_blocked_on_unacked_messages") > 0)
				}]
			}]
		}'
}
