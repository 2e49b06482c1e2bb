#!/bin/sh
# The checks that read the code: types, ESLint, formatting, shell.
set -eu
cd "$(dirname "$0")/.."

tsc -p tsconfig.check.json
eslint --max-warnings 0 .
prettier --check --log-level warn .
find scripts compose/*.sh test examples .ci .github -name '*.sh' -exec shellcheck --external-sources {} +
shellcheck .ci/run
echo "lint: types, ESLint, Prettier and shellcheck have nothing to say"
