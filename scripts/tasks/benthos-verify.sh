# shellcheck shell=sh disable=SC2034,SC2154 # inputs come from task.sh, which reads SKIP_UNCHANGED
# Proves the way NATS -> Benthos -> Pulsar -> Benthos -> DuckDB with the templates of this stack, and prints loss and latency.
#
# API_URL          Benthos's HTTP API
# URL              NATS
# PIPELINE_NATS_URL, PULSAR_URL   NATS and Pulsar as pipelines reach them
# ADMIN_URL        Pulsar's admin API
# PULSAR_ROLE      role that pipelines prove to Pulsar; unset: nobody is asked
# DUCKDB           the DuckDB CLI
# DATA             directory that the pipelines may write to
# SERVICE_DIGEST   of the service this proof is about

# shellcheck source=scripts/jetstream.sh
. "$LIB/jetstream.sh"
# shellcheck source=scripts/pulsar-admin.sh
. "$LIB/pulsar-admin.sh"
SKIP_UNCHANGED=no
OBJECT="proof of $API_URL"
MESSAGES=100
MAX_BYTES=65536
# The same in each run, so that a run finds what one that was cut off has left.
stream=VERIFY_$RESOURCE
subject=_verify.$RESOURCE
topic=public/default/_verify-$RESOURCE
directory=$DATA/.verify
database=$directory/verify.duckdb

# The proof leaves nothing on the host that could differ.
desired() { :; }
observe() { :; }
remove() { drop_all; }

pipeline() {
	benthos_curl -fsS --max-time 30 -X "$1" "$API_URL/streams/$2" --data-binary "@${3:-/dev/null}" >"$WORK/answer" 2>&1
}

# What is not there cannot be dropped, and what does not answer holds nothing that matters.
drop_all() {
	for id in verify_in verify_out; do pipeline DELETE "$id" || :; done
	(jetstream "STREAM.DELETE.$stream" '') >/dev/null 2>&1 || :
	if [ -n "${PULSAR_ROLE:-}" ]; then (pulsar_admin DELETE "persistent/$topic/permissions/$PULSAR_ROLE") >/dev/null 2>&1 || :; fi
	(pulsar_admin DELETE "persistent/$topic?force=true") >/dev/null 2>&1 || :
	rm -rf "$directory"
}

started=''
at_exit() {
	if [ -n "$started" ]; then drop_all; fi
}

duckdb() {
	"$DUCKDB" -no-init -batch -noheader -list "$@"
}

make_ends() {
	mkdir -p "$directory"
	jetstream_do "STREAM.CREATE.$stream" "{\"name\":\"$stream\",\"subjects\":[\"$subject\"],\"storage\":\"file\",\"max_bytes\":$MAX_BYTES,\"num_replicas\":1}"
	jetstream_do "CONSUMER.DURABLE.CREATE.$stream.verify" \
		"{\"stream_name\":\"$stream\",\"config\":{\"durable_name\":\"verify\",\"ack_policy\":\"explicit\",\"ack_wait\":30000000000}}"
	must PUT "persistent/$topic"
	if [ -n "${PULSAR_ROLE:-}" ]; then must POST "persistent/$topic/permissions/$PULSAR_ROLE" '["produce","consume"]'; fi
	must PUT "persistent/$topic/subscription/verify" '"earliest"'
	# The template takes the table as it is; when a row came in, the table writes down itself.
	duckdb "$database" -c 'CREATE TABLE arrived (id VARCHAR PRIMARY KEY, n INTEGER, sent BIGINT, inserted TIMESTAMPTZ DEFAULT current_timestamp)' >"$WORK/table" 2>&1 ||
		fail "$DUCKDB: $(cat "$WORK/table")"
	# The service may have a user of its own.
	if [ "$(id -u)" -eq 0 ]; then
		owner=$(mode_of "$DATA")
		chown -R "${owner#* }" "$directory"
	fi
}

start_pipelines() {
	cat >"$WORK/in.yaml" <<-EOF
		input: { from_jetstream: { stream: "$stream", consumer: verify, url: "$PIPELINE_NATS_URL" } }
		output: { to_pulsar: { topic: "persistent://$topic", url: "$PULSAR_URL", label: verify_pulsar } }
	EOF
	cat >"$WORK/out.yaml" <<-EOF
		input: { from_pulsar: { topic: "persistent://$topic", subscription: verify, url: "$PULSAR_URL" } }
		output: { to_duckdb: { database: "$database", table: arrived, columns: { n: INTEGER, sent: BIGINT }, period: 50ms, program: "$DUCKDB", label: verify_duckdb } }
	EOF
	for way in in out; do
		pipeline POST "verify_$way" "$WORK/$way.yaml" || fail "$API_URL: a pipeline for the proof is refused: $(cat "$WORK/answer")"
	done
}

# The table in one line: messages, then the shortest, middle and longest way in milliseconds. Nothing while a batch is being inserted.
arrived() {
	duckdb -readonly "$database" -c "SET TimeZone = 'UTC';
		SELECT count(DISTINCT n), min(took), median(took)::INTEGER, max(took) FROM (SELECT n, epoch_ms(inserted) - sent // 1000000 AS took FROM arrived)" 2>/dev/null | tr '|' ' '
}

prove() {
	nats_cli "$URL" --timeout 5s publish "$subject" '{"n":{{Count}},"sent":{{UnixNano}}}' --count "$MESSAGES" --sleep 10ms >"$WORK/published" 2>&1 ||
		fail "$URL: publishing fails: $(tail -n 3 "$WORK/published")"
	waited=0
	until read -r found shortest middle longest <"$WORK/arrived" && [ "${found:-0}" -ge "$MESSAGES" ]; do
		waited=$((waited + 1))
		[ "$waited" -le 100 ] || fail "of $MESSAGES messages from NATS through Benthos, Pulsar and Benthos ${found:-0} are in DuckDB after $((waited / 5)) s; the log of benthos and the stream dead-letters say why"
		pause
		arrived >"$WORK/arrived" || :
	done
	say "NATS -> Benthos -> Pulsar -> Benthos -> DuckDB: $MESSAGES messages published, $found arrived, 0 lost; latency $shortest ms at least, $middle ms median, $longest ms at most"
}

apply() {
	drop_all
	started=yes
	: >"$WORK/arrived"
	make_ends
	start_pipelines
	prove
}
