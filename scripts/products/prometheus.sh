# shellcheck shell=sh disable=SC2016,SC2034,SC2153,SC2154 # jq programs have $variables; inputs come from task.sh, which reads the names
# What is particular to Prometheus: checking its directory of config, health, and what is in effect.

gojq=$PREFIX/opt/gojq/current/gojq
# It reads its log of writes first, which is up to two hours long.
product_ready_seconds=60

# It scrapes itself first.
web_url() {
	say "http://$(sed -n 's/^ *- targets: \["\(.*\)"\]$/\1/p' "$1/prometheus.yml" | head -n 1)"
}

product_check() {
	if ! [ -d "$1" ]; then return; fi
	"$PREFIX/opt/prometheus/${VERSION:?}/bin/promtool" check config "$1/prometheus.yml"
}

# It takes over everything in the directory on SIGHUP.
product_reloads() {
	:
}

product_loaded() {
	http_get "$(web_url "$1")/metrics" 5 | sed -n 's/^prometheus_config_last_reload_success_timestamp_seconds //p'
}

product_ready() {
	[ -f "$1/prometheus.yml" ] && http_get "$(web_url "$1")/-/ready" 2 >/dev/null 2>&1
}

# The candidate among CONFIGS with the environment.
environment_candidate() {
	say "${CONFIGS#* }"
}

product_wanted() {
	say "version ${VERSION%%-*}"
	say "GOMEMLIMIT $(sed -n 's/^GOMEMLIMIT="\(.*\)"$/\1/p' "$(environment_candidate)")"
	sed -n 's/^ *- targets: \["\(.*\)"\]$/target \1/p' "$1/prometheus.yml"
	sed -n 's/^ *- alert: /alert /p' "$1/alerts.yaml"
	sed -n 's/^.*expr: vector(\([0-9]*\)), labels: { service: \(.*\) } }$/cap of \2 \1/p' "$1/caps.yaml"
}

product_effective() {
	url=$(web_url "$1")
	http_get "$url/api/v1/status/buildinfo" 5 | "$gojq" -r '"version \(.data.version | split("+")[0])"'
	say "GOMEMLIMIT $(environment_of "$(process_id)" GOMEMLIMIT)"
	http_get "$url/api/v1/status/config" 5 | "$gojq" -r .data.yaml | sed -n '/^ *- targets:/{n;s/^ *- /target /p;}'
	http_get "$url/api/v1/rules" 5 >"$WORK/rules" || return 1
	"$gojq" -r '.data.groups[] | select(.file | endswith("/alerts.yaml")) | .rules[] | select(.type == "alerting") | "alert \(.name)"' "$WORK/rules"
	"$gojq" -r '.data.groups[] | select(.name == "caps") | .rules[] | "cap of \(.labels.service) \(.query | capture("\\((?<bytes>.*)\\)").bytes | tonumber)"' "$WORK/rules"
}

# One JSON document on the running process, for `npm run status`; counters since its start.
product_status() {
	url=$(web_url "$1")
	http_get "$url/metrics" 5 >"$WORK/metrics" || return 1
	http_get "$url/api/v1/alerts" 5 >"$WORK/alerts" || return 1
	samples "$WORK/metrics" prometheus_tsdb_head_samples_appended_total >"$WORK/samples"
	"$gojq" -c -n --slurpfile samples "$WORK/samples" --slurpfile alerts "$WORK/alerts" --arg version "$VERSION" --arg url "$url" '{
		version: $version,
		endpoint: $url,
		received: { messages: ($samples | map(.value) | add // 0) },
		sent: { messages: 0 },
		alerts: [$alerts[0].data.alerts[] | select(.state == "firing") | .labels | del(.severity, .instance, .job) | .alertname as $name
			| del(.alertname) | "\($name)\(if . == {} then "" else " (\(to_entries | map("\(.key) \(.value)") | join(", ")))" end)"]
	}'
}
