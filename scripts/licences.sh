#!/bin/sh
# Prints the licences of what the programs contain and is not ours: Go itself, and the
# modules that they import.
set -eu
cd "$(dirname "$0")/.."

show() { # NAME DIRECTORY
	echo "==== $1"
	echo
	cat "$2/LICENSE"
	echo
}

echo "gobwrap and gobwrap-seccomp contain parts of the following."
echo
show Go "$(go env GOROOT)"
CGO_ENABLED=1 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/... |
	LC_ALL=C sort -u | while read -r path version dir; do show "$path $version" "$dir"; done
