# shellcheck shell=sh
# gobwrap-setuid: the mode is there, stays over upgrades, and goes with the package.
add ./gobwrap_*.deb
add ./gobwrap-setuid_*.deb
is "4755 root:root" mode /usr/bin/gobwrap
is "root root 4755 /usr/bin/gobwrap" dpkg-statoverride --list /usr/bin/gobwrap
is yes as_user gobwrap --mode setuid --ro-bind / / -- echo yes
is yes as_user gobwrap --mode direct --unshare-user --ro-bind / / -- echo yes

newer
add /tmp/newer/gobwrap_*.deb
is "4755 root:root" mode /usr/bin/gobwrap
add /tmp/newer/gobwrap-setuid_*.deb
add /tmp/newer/gobwrap-setuid_*.deb
is "root root 4755 /usr/bin/gobwrap" dpkg-statoverride --list /usr/bin/gobwrap

remove gobwrap-setuid
is "755 root:root" mode /usr/bin/gobwrap
is "" dpkg-statoverride --list /usr/bin/gobwrap
add ./gobwrap_*.deb # a downgrade
is "755 root:root" mode /usr/bin/gobwrap
purge gobwrap-setuid

# Both at once, in the order that dpkg chooses.
add ./gobwrap_*.deb ./gobwrap-setuid_*.deb
is "4755 root:root" mode /usr/bin/gobwrap
if dpkg -r gobwrap >/dev/null 2>&1; then fail "gobwrap is removed from under gobwrap-setuid"; fi
purge gobwrap gobwrap-setuid
nothing_left
