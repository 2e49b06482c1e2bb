# shellcheck shell=sh
# What is particular to the DuckDB CLI.

# A wheel carries no permissions.
product_unpacked() {
	chmod 755 "$1/duckdb"
}
