#!/bin/sh
# Compares the documents with the tree: tests, make targets and files that they name
# have to exist.
#
# shellcheck disable=SC2013 # names are words
set -eu
cd "$(dirname "$0")/.."

status=0
complain() {
	echo "$*" >&2
	status=1
}

for name in $(grep -oh '\bTest[A-Z][A-Za-z0-9]*\b' ./*.md | sort -u); do
	grep -rqs --include='*_test.go' "^func $name(t " . || complain "no such test: $name"
done
for target in $(grep -oh '`make [a-z0-9-]*' ./*.md | sed 's/.* //' | sort -u); do
	grep -q "^$target:" Makefile || complain "no such target: make $target"
done
for path in $(grep -oh '](\([A-Za-z][^):#]*\))' ./*.md | sed 's/](\(.*\))/\1/' | sort -u); do
	[ -e "$path" ] || complain "no such file: $path"
done
for option in $(grep -oh '`\(gobwrap \)\{0,1\}--[a-z][a-z0-9-]*' ./*.md | sed 's/.*--/--/; s/-$//' | sort -u); do
	case $option in
	--unshare) ;; # --unshare-{user,…}
	*) grep -q "Name: \"$option\"" internal/cmdline/options.go || complain "no such option: $option" ;;
	esac
done
exit "$status"
