#!/bin/sh
# The other host of a world: it waits for its interface and serves a directory.
set -eu
until ip addr add 198.51.100.2/24 dev far 2>/dev/null; do sleep 0.02; done
ip link set far up
exec setpriv --reuid 12346 --regid 12346 --clear-groups python3 -m http.server --directory "$1" 8080
