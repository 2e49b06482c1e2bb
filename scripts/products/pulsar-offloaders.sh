# shellcheck shell=sh disable=SC2154 # VERSION comes from task.sh
# What is particular to the offloaders of Pulsar.

# The one for file systems. The broker unpacks every archive that it finds when it starts; the one for clouds would take 240 MB more.
product_members() {
	say "$1/offloaders/tiered-storage-file-system-$VERSION.nar"
}
