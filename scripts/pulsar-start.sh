#!/bin/sh
# Starts Pulsar standalone after a look at how it ended: pulsar-start.sh METADATA-DIRECTORY BOOKKEEPER-DIRECTORY COMMAND [ARGUMENT ...]. The process keeps its id.
#
# A bookie that was killed is still registered. The next one removes that entry as it registers, and when it learns of the removal late it takes its own entry for
# removed: it deletes and writes it again, learns of that, and goes on as long as it runs, because it finds no two entries equal; now and then the broker is without
# a bookie. That happened in 6 of 33 starts after kill -9 on two busy cores (https://github.com/apache/pulsar/issues/17759 is the same loop). Whoever reads the entry
# of a bookie that is gone removes it, and the list of bookies is read here before there is anybody to learn of it.
set -eu

metadata=$1
bookkeeper=$2
shift 2
pulsar=$(dirname "$1")

# BookKeeper removes this file when it is stopped.
if [ -e "$bookkeeper/current/DIRTY" ] && [ -d "$metadata" ]; then
	echo "Pulsar was not stopped but killed: its bookie is taken off the list"
	BOOKIE_LOG_DIR=$PULSAR_LOG_DIR \
		BOOKIE_MEM='-Xmx64m -XX:MaxDirectMemorySize=64m' BOOKIE_GC='-XX:+UseSerialGC -XX:TieredStopAtLevel=1' BOOKIE_GC_LOG='-XX:-UsePerfData' \
		BOOKIE_EXTRA_OPTS="-Dorg.apache.bookkeeper.conf.readsystemproperties=true -DmetadataServiceUri=metadata-store:rocksdb://$metadata" \
		"$pulsar/bookkeeper" shell listbookies -rw >/dev/null 2>&1 </dev/null || echo "the list of bookies cannot be read"
fi
exec "$@"
