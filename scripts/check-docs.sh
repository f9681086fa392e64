#!/bin/sh
# Compares the documents with the tree: the tests, make targets, files, headings and options
# that they name have to exist.
#
# shellcheck disable=SC2013,SC2086 # names are words, and so are the documents
set -eu
cd "$(dirname "$0")/.."

documents="$(echo ./*.md) $(echo docs/*.md) tests/README.md tests/compat/differences.md"
status=0
complain() {
	echo "$*" >&2
	status=1
}

for name in $(grep -oh '\bTest[A-Z][A-Za-z0-9]*\b' $documents | sort -u); do
	case $name in
	TestControl) ;; # tests/README.md: what the names of such tests begin with
	*) grep -rqs --include='*_test.go' "^func $name(" . || complain "no such test: $name" ;;
	esac
done
for target in $(grep -oh '`make [a-z0-9-]*' $documents | sed 's/.* //' | sort -u); do
	grep -q "^$target:" Makefile || complain "no such target: make $target"
done

# headings prints the anchors of a document's headings, as GitHub makes them.
headings() {
	sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}
for document in $documents; do
	for link in $(grep -oh '](\([A-Za-z.#][^):]*\))' "$document" | sed 's/](\(.*\))/\1/' | sort -u); do
		path=$document
		case $link in
		'#'*) ;;
		*) path=$(dirname "$document")/${link%%#*} ;;
		esac
		if [ ! -e "$path" ]; then
			complain "$document: no such file: $link"
			continue
		fi
		case $link in
		*'#'*) headings "$path" | grep -qxF -- "${link#*#}" || complain "$document: no such heading: $link" ;;
		esac
	done
done
for option in $(grep -oh '`\(gobwrap \)\{0,1\}--[a-z][a-z0-9-]*' $documents | sed 's/.*--/--/; s/-$//' | sort -u); do
	case $option in
	--unshare) ;; # --unshare-{user,…}
	--no-sandbox) ;; # Chromium's
	--persist) ;; # Flatpak's
	*) grep -q "Name: \"$option\"" internal/cmdline/options.go || complain "no such option: $option" ;;
	esac
done
exit "$status"
