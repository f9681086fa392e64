#!/bin/sh
# Prints the licences of what the programs contain and is not ours: Go itself, and the
# modules that they import.
set -eu
cd "$(dirname "$0")/.."

list=$(mktemp)
trap 'rm -f "$list"' EXIT

show() { # NAME DIRECTORY
	echo "==== $1"
	echo
	[ -s "$2/LICENSE" ] || { echo "licences.sh: $1 has no licence in $2" >&2; exit 1; }
	cat "$2/LICENSE"
	echo
}

# A file: of a pipe, only the last command's failure counts.
CGO_ENABLED=1 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/... >"$list"
[ -s "$list" ] || { echo "licences.sh: go list names no module" >&2; exit 1; }

echo "gobwrap, gobwrap-limit and gobwrap-seccomp contain parts of the following."
echo
show Go "$(go env GOROOT)"
LC_ALL=C sort -uo "$list" "$list"
while read -r path version dir; do show "$path $version" "$dir"; done <"$list"
