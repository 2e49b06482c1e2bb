# shellcheck shell=sh disable=SC2016,SC2154 # jq programs have $variables; inputs come from task.sh
# One Pulsar tenant: created when it is absent, removed only when this stack created it and it is empty. What is in it belongs to others.
#
# ADMIN_URL, TENANT

OBJECT=tenant/$TENANT
# shellcheck source=scripts/pulsar-admin.sh
. "$LIB/pulsar-admin.sh"

desired() {
	say "$OBJECT exists"
}

observe() {
	pulsar_admin GET "tenants/$TENANT"
	case $STATUS in
	200) say "$OBJECT exists" ;;
	404) say "$OBJECT absent" ;;
	*) unexpected ;;
	esac
}

# A standalone has one cluster; its name is the server's to say.
apply() {
	pulsar_admin GET clusters
	pulsar_admin PUT "tenants/$TENANT" "$("$gojq" -c '{ allowedClusters: ., adminRoles: [] }' "$WORK/answer.1")"
	[ "$STATUS" = 204 ] || unexpected
	mark_made
	say "$OBJECT created"
}

remove() {
	if ! server_answers; then
		say "$OBJECT left as it is: $ADMIN_URL does not answer"
	elif ! made_by_us; then
		say "$OBJECT kept: this stack did not create it"
	else
		pulsar_admin DELETE "tenants/$TENANT"
		case $STATUS in
		204 | 404)
			forget_made
			say "$OBJECT deleted"
			;;
		409) say "$OBJECT kept: it has namespaces" ;;
		*) unexpected ;;
		esac
	fi
}
