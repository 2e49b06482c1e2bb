#!/bin/sh
# Posts a file as the one comment of its kind on a pull request, or updates it: comment.sh OWNER/REPOSITORY NUMBER FILE
#
# The file's first line marks the kind. Takes gh and GH_TOKEN.
set -eu

repository=$1
number=$2
file=$3

IFS= read -r marker <"$file"
export marker
comments=$(gh api --paginate "repos/$repository/issues/$number/comments" --jq '.[] | select(.body | startswith(env.marker)) | .id')
comment=$(printf '%s\n' "$comments" | sed -n 1p)
if [ -n "$comment" ]; then
	gh api --silent --method PATCH "repos/$repository/issues/comments/$comment" --field "body=@$file"
else
	gh api --silent --method POST "repos/$repository/issues/$number/comments" --field "body=@$file"
fi
