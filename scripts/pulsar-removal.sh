# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Removes Pulsar's objects (OBJECT, one at a time) as far as they are ours and messages are lost only with consent, and remembers which are.

# Which tenants and topics this stack made (namespaces say it themselves); what it found there when it came is never deleted. Outlives the ledger entry,
# because objects that are kept do too.
MADE=$LEDGER/made

remember() {
	[ -d "$MADE" ] || mkdir -p "$MADE"
	: >"$MADE/$KIND$1"
}

# The name under which it is remembered that OBJECT was made here.
mark() {
	say "${OBJECT%%/*}-$(say "${OBJECT#*/}" | tr / .)"
}

made_by_us() {
	[ -e "$MADE/$KIND$(mark)" ]
}

forget_made() {
	rm -f "$MADE/$KIND$(mark)"
	rmdir "$MADE" 2>/dev/null || :
}

# Consent to lose what a namespace holds covers its topics.
consented_here() {
	consented || consented "namespace/$NAMESPACE"
}

# Brokers delete topics together with their namespace only where that is allowed; it is, until this run ends.
delete_with_topics() {
	tries=0
	while :; do
		pulsar_admin DELETE "namespaces/${OBJECT#*/}?force=true"
		case $STATUS in
		204 | 404) break ;;
		405)
			: >"$WORK/force-allowed"
			pulsar_admin POST brokers/configuration/forceDeleteNamespaceAllowed/true
			;;
		esac
		# Topics that clients open at this moment are in the way for a while.
		tries=$((tries + 1))
		[ "$tries" -le 100 ] || unexpected
		pause
	done
	say "$OBJECT deleted with its topics"
}

# shellcheck disable=SC2329 # called by the launcher
at_exit() {
	if [ -e "$WORK/force-allowed" ]; then (pulsar_admin DELETE brokers/configuration/forceDeleteNamespaceAllowed); fi
}

# Without consent a topic with messages stays on the server: this is how destroy keeps data.
remove_topic() {
	NAMESPACE=$(say "${OBJECT#*/}" | cut -d / -f 1,2)
	path=persistent/${OBJECT#*/}
	pulsar_admin GET "$path/partitions"
	case $STATUS in
	200) if [ "$("$gojq" .partitions "$WORK/answer")" -gt 0 ]; then partitions=/partitions stats=partitioned-stats; else partitions='' stats=stats; fi ;;
	404)
		forget_made
		return
		;;
	*) unexpected ;;
	esac
	if ! made_by_us; then
		say "$OBJECT kept: this stack did not create it"
		return
	fi
	force=
	if consented_here; then
		force='?force=true'
	else
		pulsar_admin GET "$path/$stats?getPreciseBacklog=true"
		bytes=$("$gojq" '.storageSize | numbers' "$WORK/answer")
		[ -n "$bytes" ] || unexpected
		if [ "$bytes" -gt 0 ]; then
			keep "$OBJECT" "with $bytes bytes"
			return
		fi
	fi
	pulsar_admin DELETE "$path$partitions$force"
	case $STATUS in
	204 | 404)
		forget_made
		say "$OBJECT deleted"
		;;
	412) say "$OBJECT kept: $(reason "$WORK/answer")" ;;
	*) unexpected ;;
	esac
}

# Without consent a namespace with topics stays, too. A half deleted one is beyond keeping.
remove_namespace() {
	path=namespaces/${OBJECT#*/}
	pulsar_admin GET "$path"
	case $STATUS in
	200) ;;
	404) return ;;
	*) unexpected ;;
	esac
	if [ "$("$gojq" -r '.properties["managed-by"]' "$WORK/answer")" != "$STACK" ]; then
		say "$OBJECT kept: this stack did not create it"
		return
	fi
	deleted=$("$gojq" -r .deleted "$WORK/answer")
	pulsar_admin GET "persistent/${OBJECT#*/}"
	case $STATUS in
	200) count=$("$gojq" length "$WORK/answer") ;;
	404) count=0 ;;
	*) unexpected ;;
	esac
	if [ "$deleted" = true ] || { [ "$count" -gt 0 ] && consented; }; then
		delete_with_topics
	elif [ "$count" -gt 0 ]; then
		keep "$OBJECT" "with $count topics"
	else
		pulsar_admin DELETE "$path"
		case $STATUS in
		204) say "$OBJECT deleted" ;;
		404) ;;
		*) unexpected ;;
		esac
	fi
}

# What is in a tenant may belong to others.
remove_tenant() {
	if ! made_by_us; then
		say "$OBJECT kept: this stack did not create it"
		return
	fi
	pulsar_admin DELETE "tenants/${OBJECT#*/}"
	case $STATUS in
	204 | 404)
		forget_made
		say "$OBJECT deleted"
		;;
	409) say "$OBJECT kept: it has namespaces" ;;
	*) unexpected ;;
	esac
}
