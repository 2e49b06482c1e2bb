#!/bin/sh
# Leaves what came of a drift check on a host, for metrics: sh -s -- PREFIX [DRIFTED-TASKS] < this file. Without their number the check failed.
#
# In Prometheus's text format, which the textfile collector of node_exporter reads as well as the pipeline monitoring/host. No secrets: every user may read it.
set -eu
umask 022

file=$1/var/lib/drift-check.prom
# Nothing is deployed there any more.
[ -d "${file%/*}" ] || exit 0

metric() {
	printf '# HELP %s %s\n# TYPE %s gauge\n%s %s\n' "$1" "$3" "$1" "$1" "$2"
}

{
	metric messaging_drift_check_timestamp_seconds "$(date +%s)" 'When somebody looked for drift last.'
	metric messaging_drift_check_success "$(($# > 1))" '1 when all was seen, 0 when the check failed.'
	if [ $# -gt 1 ]; then metric messaging_drift_check_drifted_tasks "$2" 'Tasks that are not as they were applied.'; fi
} >"$file.new"
mv "$file.new" "$file"
