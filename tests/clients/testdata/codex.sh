#!/bin/sh
# Runs commands with `codex sandbox`, which needs neither a network nor an account. Facts go
# to stdout.
set -eu
mkdir -p project elsewhere
cd project
codex=$(echo "$NPM"/codex-linux-x64/vendor/*/bin/codex)
for mode in read-only workspace-write; do
	# shellcheck disable=SC2016 # for the shell inside
	"$codex" sandbox -c "sandbox_mode=\"$mode\"" -- sh -c '
		echo "$1 id: $(id -u)"
		for file in made ../elsewhere/x .git/hook; do
			if (echo text >"$file") 2>/dev/null; then echo "$1 $file: written"; else echo "$1 $file: refused"; fi
		done
		echo "$1 devices: $(grep -c : /proc/net/dev)"' sh "$mode" || echo "$mode failed: $?"
done
status=0
"$codex" sandbox -- sh -c 'exit 7' || status=$?
echo "exit-status: $status"
echo "made: $(cat made)"
