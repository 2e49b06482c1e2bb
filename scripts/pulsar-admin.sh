# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Pulsar's admin API over curl, for the tasks that use its objects. Input: ADMIN_URL. OBJECT is what messages are about.

gojq=$PREFIX/opt/gojq/current/gojq

# Sends one request, METHOD PATH [BODY] with the path below /admin/v2: its status in STATUS, its answer in $WORK/answer.
pulsar_admin() {
	request="$1 $2"
	: >"$WORK/answer"
	STATUS=$(pulsar_curl -sg --connect-timeout 5 --max-time 60 -o "$WORK/answer" -w '%{http_code}' -X "$1" \
		${3:+-H "Content-Type: application/json" --data "$3"} "$ADMIN_URL/admin/v2/$2") || no_answer
}

# Sends requests, METHOD PATH [BODY] a line, whatever is answered: those about one namespace in order over one connection, different namespaces over a few
# side by side. Adds what was answered to $WORK/answers: the text, a record separator, the status and the request, a group separator. Fails when the server
# is gone.
pulsar_requests() {
	awk -v url="$ADMIN_URL/admin/v2/" -v file="$WORK/connection." -v connections=4 -v token="$PREFIX/etc/pulsar/admin.curl" '
		BEGIN { getline authorization <token }
		{
			split($2, part, "/")
			namespace = part[2] "/" part[3]
			if (!(namespace in connection)) connection[namespace] = count++ % connections
			config = file connection[namespace]
			method = $1
			path = $2
			gsub(/[\\"]/, "\\\\&")
			body = substr($0, length(method) + length(path) + 3)
			if (sent[config]++) print "next" >config
			print "url = \"" url path "\"\nrequest = \"" method "\"" >config
			if (authorization != "") print authorization >config
			if (body != "") print "header = \"Content-Type: application/json\"\ndata = \"" body "\"" >config
			gsub(/%/, "%%")
			print "write-out = \"\036%{http_code} " $0 "\035\"\nsilent\ngloboff\nnoproxy = \"*\"\nconnect-timeout = 5\nmax-time = 60" >config
		}'
	curls=
	for config in "$WORK"/connection.?; do
		if ! [ -f "$config" ]; then continue; fi
		curl -q -K "$config" >"$config.answers" &
		curls="$curls $!"
	done
	gone=
	for process in $curls; do wait "$process" || gone=yes; done
	for config in "$WORK"/connection.?; do
		if ! [ -f "$config" ]; then continue; fi
		# An answer that was cut off is not taken for the beginning of the next.
		cat "$config.answers"
		printf '\035'
		rm "$config" "$config.answers"
	done >>"$WORK/answers"
	[ -z "$gone" ]
}

# What a jq program makes of each answered JSON array in $WORK/answers.
pulsar_answers() {
	"$gojq" -n -r --rawfile answers "$WORK/answers" "\$answers | splits(\"\\u001d\") | split(\"\\u001e\") | select(length == 2) | .[0] | fromjson? | arrays | $1"
}

no_answer() {
	fail "Pulsar on $ADMIN_URL does not answer"
}

# What Pulsar says in an answer: the reason in its JSON, or the first line of anything else.
reason() {
	"$gojq" -r .reason "$1" 2>/dev/null || sed -n '1s/\(.\{300\}\).*/\1/;1p' "$1"
}

# Ends the run with the answer to the last single request.
unexpected() {
	fail "$OBJECT: Pulsar answers $STATUS to $request: $(reason "$WORK/answer")"
}

# Sends a request that has to succeed. A broker answers 5xx to what it is not ready for, such as a bundle that changes hands or a bookie that has just come
# back: that is asked again.
must() {
	for pause in 1 2 4 8 0; do
		pulsar_admin "$@"
		case $STATUS in 5??) sleep "$pause" ;; *) break ;; esac
	done
	case $STATUS in 2??) ;; *) unexpected ;; esac
}

# Does the server answer, whatever it says? Removing must not fail on a server that is gone: what it holds stays where it is.
server_answers() {
	pulsar_curl -s -o "$WORK/ready" --max-time 5 "$ADMIN_URL/admin/v2/brokers/ready"
}
