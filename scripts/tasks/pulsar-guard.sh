# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Asks whether the data of this host may be served by a version of Pulsar. Never applied.
#
# VERSION, DATA

# shellcheck source=scripts/products/pulsar.sh
. "$LIB/products/pulsar.sh"

refusals() {
	product_refusals
}
