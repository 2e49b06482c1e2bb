# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Makes the key and the certificate of a server or a client, signed by the certificate authority of this host. The key never leaves it.
#
# CERTIFICATE, KEY   paths
# AUTHORITY          path of the authority's certificate; its key is beside it
# SUBJECT            common name
# NAMES              subject alternative names as openssl lists them, such as `DNS:localhost, IP Address:127.0.0.1`
# DAYS               for which a new certificate is valid
# VALID_UNTIL        seconds since 1970; what ends earlier is renewed
# USAGE              serverAuth, or clientAuth; unset: serverAuth
# GROUP              who reads the key besides its owner; unset: nobody

desired() {
	say "$KEY $(private_mode)"
	say "$CERTIFICATE for $NAMES, signed by the authority, valid long enough"
}

observe() {
	if [ -f "$KEY" ]; then say "$KEY $(private_mode_of "$KEY")"; else say "$KEY absent"; fi
	left=$((VALID_UNTIL - $(date +%s)))
	if ! [ -f "$CERTIFICATE" ]; then
		say "$CERTIFICATE absent"
	elif ! openssl verify -CAfile "$AUTHORITY" "$CERTIFICATE" >"$WORK/check" 2>&1; then
		say "$CERTIFICATE expired, or not signed by the authority"
	elif [ "$left" -gt 0 ] && ! openssl x509 -in "$CERTIFICATE" -noout -checkend "$left" >"$WORK/check" 2>&1; then
		say "$CERTIFICATE $(openssl x509 -in "$CERTIFICATE" -noout -enddate | sed 's/notAfter=/ends on /'), is to be renewed"
	elif [ "$(openssl x509 -in "$CERTIFICATE" -noout -pubkey)" != "$(openssl pkey -in "$KEY" -pubout 2>/dev/null)" ]; then
		say "$CERTIFICATE of another key"
	else
		say "$CERTIFICATE for $(openssl x509 -in "$CERTIFICATE" -noout -text | sed -n '/Subject Alternative Name/{n;s/^ *//;p;}'), signed by the authority, valid long enough"
	fi
}

apply() {
	mkdir -p "$(dirname "$CERTIFICATE")"
	cat >"$WORK/config" <<-END
		[req]
		prompt = no
		distinguished_name = name
		[name]
		CN = $SUBJECT
		[server]
		basicConstraints = critical, CA:false
		keyUsage = critical, digitalSignature
		extendedKeyUsage = ${USAGE:-serverAuth}
		subjectAltName = $(say "$NAMES" | sed 's/IP Address:/IP:/g')
	END
	# PKCS 8, which Java reads.
	if ! openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/key" 2>"$WORK/log" ||
		! openssl req -new -config "$WORK/config" -key "$WORK/key" -out "$WORK/request" 2>"$WORK/log" ||
		! openssl x509 -req -in "$WORK/request" -CA "$AUTHORITY" -CAkey "${AUTHORITY%.pem}.key" -set_serial "0x$(openssl rand -hex 15)" -sha256 \
			-days "$DAYS" -extfile "$WORK/config" -extensions server -out "$CERTIFICATE.new" 2>"$WORK/log"; then
		fail "openssl makes no certificate: $(cat "$WORK/log")"
	fi
	rm -f "$KEY.new"
	cp "$WORK/key" "$KEY.new"
	share_private "$KEY.new"
	chmod 644 "$CERTIFICATE.new"
	mv "$KEY.new" "$KEY"
	mv "$CERTIFICATE.new" "$CERTIFICATE"
	say "$CERTIFICATE made, valid for $DAYS days"
}

remove() {
	rm -f "$KEY" "$CERTIFICATE"
	rmdir "$(dirname "$CERTIFICATE")" 2>/dev/null || :
	say "$CERTIFICATE and its key removed"
}
