# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Makes the certificate authority of this host: a key that never leaves it, and a certificate that clients trust.
#
# DIRECTORY   of ca.key, for nobody but its owner, and ca.pem, for everybody
# DAYS        for which the certificate is valid; in its last tenth it is renewed with the same key, so that who trusts the earlier one goes on

key=$DIRECTORY/ca.key
certificate=$DIRECTORY/ca.pem

desired() {
	say "$key -rw------- $(id -un)"
	say "$certificate valid, of this key"
}

observe() {
	if [ -f "$key" ]; then say "$key $(mode_of "$key")"; else say "$key absent"; fi
	if ! [ -f "$certificate" ]; then
		say "$certificate absent"
	elif ! openssl x509 -in "$certificate" -noout -checkend $((DAYS * 8640)) >"$WORK/check" 2>&1; then
		say "$certificate ends in less than $((DAYS / 10)) days"
	elif [ "$(openssl x509 -in "$certificate" -noout -pubkey)" != "$(openssl pkey -in "$key" -pubout 2>/dev/null)" ]; then
		say "$certificate of another key"
	else
		say "$certificate valid, of this key"
	fi
}

apply() {
	command -v openssl >/dev/null 2>&1 ||
		fail "openssl is missing on this host: install it (apt install openssl, dnf install openssl, brew install openssl), or take tls out of the settings"
	mkdir -p "$DIRECTORY"
	chmod go+x "$DIRECTORY"
	if ! [ -s "$key" ]; then
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$key.new" 2>"$WORK/log" || fail "openssl makes no key: $(cat "$WORK/log")"
		mv "$key.new" "$key"
	fi
	chmod 600 "$key"
	cat >"$WORK/config" <<-END
		[req]
		prompt = no
		distinguished_name = name
		x509_extensions = authority
		[name]
		CN = messaging $RESOURCE
		[authority]
		basicConstraints = critical, CA:true, pathlen:0
		keyUsage = critical, keyCertSign, cRLSign
		subjectKeyIdentifier = hash
	END
	openssl req -new -x509 -config "$WORK/config" -key "$key" -sha256 -days "$DAYS" -out "$certificate.new" 2>"$WORK/log" ||
		fail "openssl makes no certificate: $(cat "$WORK/log")"
	chmod 644 "$certificate.new"
	mv "$certificate.new" "$certificate"
	say "$certificate made, valid for $DAYS days"
}

remove() {
	rm -f "$key" "$certificate"
	rmdir "$DIRECTORY" 2>/dev/null || :
	say "$key and $certificate removed"
}
