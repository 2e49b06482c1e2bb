# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# Pulsar's admin API over curl, for the tasks that use its objects. Input: ADMIN_URL. A task that declares an object sets OBJECT, its name in
# messages and consents.

gojq=$PREFIX/opt/gojq/current/gojq

# Sends the requests on standard input, METHOD PATH [BODY] a line with the path below /admin/v2, in order over one connection. Prints STATUS and the
# request for each; the answer to the first is left in $WORK/<name>.1, and so on. With `fail` the first that is refused is the last.
pulsar_requests() {
	awk -v url="$ADMIN_URL/admin/v2/" -v answers="$WORK/$1." -v options="${2:-}" '
		{
			method = $1
			path = $2
			gsub(/[\\"]/, "\\\\&")
			body = substr($0, length(method) + length(path) + 3)
			if (NR > 1) print "next"
			print "url = \"" url path "\""
			print "request = \"" method "\""
			if (body != "") print "header = \"Content-Type: application/json\"\ndata = \"" body "\""
			print "output = \"" answers NR "\""
			print "write-out = \"%{http_code} " $0 "\\n\""
			print "silent\ngloboff\nnoproxy = \"*\"\nconnect-timeout = 5\nmax-time = 60"
			print options
		}' >"$WORK/requests"
	curl -q --fail-early -K "$WORK/requests"
}

no_answer() {
	fail "Pulsar on $ADMIN_URL does not answer"
}

# Sends one request: its status in STATUS, its answer in $WORK/answer.1.
pulsar_admin() {
	STATUS=$(say "$*" | pulsar_requests answer) || no_answer
	STATUS=${STATUS%% *}
}

# Says what the requests of that name wrote; any other answer than 2xx is a failure. LAST is the file of the last answer.
pulsar_check() {
	number=0
	refused=
	while IFS=' ' read -r status request; do
		number=$((number + 1))
		LAST=$WORK/$1.$number
		case $status:$request in
		2??:GET*) ;;
		2??:*) say "$request" ;;
		*) refused="$refused
$OBJECT: Pulsar answers $status to $request: $(reason "$LAST")" ;;
		esac
	done <"$WORK/$1.statuses"
	[ -z "$refused" ] || fail "${refused#?}"
}

# What Pulsar says in an answer: the reason in its JSON, or the first line of anything else.
reason() {
	"$gojq" -r .reason "$1" 2>/dev/null || sed -n '1s/\(.\{300\}\).*/\1/;1p' "$1"
}

# Does the server answer, whatever it says? Removing must not fail on a server that is gone: what it holds stays where it is.
server_answers() {
	curl -q -s -o "$WORK/ready" --noproxy '*' --max-time 5 "$ADMIN_URL/admin/v2/brokers/ready"
}

# Which objects this stack made; what it found there when it came is never deleted. Outlives the ledger entry, because objects that are kept do too.
MADE=$PREFIX/var/lib/messaging/ledger/$STACK/made/$RESOURCE

mark_made() {
	mkdir -p "${MADE%/*}"
	: >"$MADE"
}

made_by_us() {
	[ -e "$MADE" ]
}

forget_made() {
	rm -f "$MADE"
	rmdir "${MADE%/*}" 2>/dev/null || :
}

# Fails with what the server said to the last pulsar_admin.
unexpected() {
	fail "$OBJECT: Pulsar answers $STATUS: $(reason "$WORK/answer.1")"
}

# Bodies written before, by the last run and by runs that were cut off since: what they have and this one has not is unset.
APPLIED=$WORK/applied
: >"$APPLIED"
if [ -f "$ENTRY/inputs" ]; then sed '1,/^$/d' "$ENTRY/inputs" >"$APPLIED"; fi
if [ -s "$ENTRY/begun" ]; then cat "$ENTRY/begun" >>"$APPLIED"; fi

# Remembers the body before its first request, until it is applied.
begin() {
	[ -d "$ENTRY" ] || mkdir -p "$ENTRY"
	cat "$WORK/body" >>"$ENTRY/begun"
}

applied() {
	: >"$ENTRY/begun"
}

# Stored messages of topics (full names, a line each in the file), for a refusal that names them: JSON with the name, its stats and its ledgers.
topic_stats() {
	while read -r topic; do
		say "GET persistent/${topic#persistent://}/stats?getPreciseBacklog=true&subscriptionBacklogSize=true&getEarliestTimeInBacklog=true"
		say "GET persistent/${topic#persistent://}/internal-info"
	done <"$1" >"$WORK/questions"
	if ! [ -s "$WORK/questions" ]; then return; fi
	pulsar_requests stats <"$WORK/questions" >"$WORK/stats.statuses" || no_answer
	# A topic that went away meanwhile is not at stake; what cannot be told might be.
	if grep -v -e '^2' -e '^404' "$WORK/stats.statuses" >&2; then fail "$OBJECT: Pulsar does not tell what its topics store"; fi
	number=1
	while read -r topic; do
		printf '{"topic":"%s","stats":%s,"ledgers":%s}\n' "$topic" "$(cat "$WORK/stats.$number")" "$(cat "$WORK/stats.$((number + 1))")"
		number=$((number + 2))
	done <"$1"
}
