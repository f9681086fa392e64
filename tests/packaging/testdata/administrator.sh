# shellcheck shell=sh
# An administrator's own entries of dpkg-statoverride are left alone.
own() { quiet dpkg-statoverride --quiet --force-all --add --update "$@" /usr/bin/gobwrap; }
entry() { dpkg-statoverride --list /usr/bin/gobwrap; }

# Made before, with another mode.
add ./gobwrap_*.deb
own root daemon 4750
add ./gobwrap-setuid_*.deb
is "4750 root:daemon" mode /usr/bin/gobwrap
remove gobwrap-setuid
purge gobwrap-setuid
is "root daemon 4750 /usr/bin/gobwrap" entry
is "4750 root:daemon" mode /usr/bin/gobwrap

# Made before, and the same as ours would be.
quiet dpkg-statoverride --remove /usr/bin/gobwrap
own root root 4755
add ./gobwrap-setuid_*.deb
purge gobwrap-setuid
is "root root 4755 /usr/bin/gobwrap" entry
is "4755 root:root" mode /usr/bin/gobwrap

# Ours, which the administrator changes.
quiet dpkg-statoverride --remove /usr/bin/gobwrap
add ./gobwrap-setuid_*.deb
is "root root 4755 /usr/bin/gobwrap" entry
quiet dpkg-statoverride --remove /usr/bin/gobwrap
own root root 0755
newer
add /tmp/newer/gobwrap_*.deb /tmp/newer/gobwrap-setuid_*.deb
is "755 root:root" mode /usr/bin/gobwrap
purge gobwrap-setuid
is "root root 755 /usr/bin/gobwrap" entry
quiet dpkg-statoverride --remove /usr/bin/gobwrap
purge gobwrap
nothing_left
