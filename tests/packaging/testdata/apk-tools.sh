# shellcheck shell=sh
# The packages for apk, in a root of their own: installed, upgraded, exchanged, removed. The
# programs in them need no C library.
root=/tmp/root
mkdir $root
a() { /tmp/foreign/apk-tools/apk --root $root --arch "$(uname -m)" --allow-untrusted --no-network --no-logfile --force-non-repository "$@"; }
quiet a add --initdb
quiet a add ./gobwrap_*.apk
is "755 root:root" mode $root/usr/bin/gobwrap
is 12345 as_user $root/usr/bin/gobwrap --mode direct --unshare-user --ro-bind / / -- id -u
chroot $root /usr/bin/gobwrap-seccomp --version >/dev/null || fail "gobwrap-seccomp does not run alone"
quiet a add newer/gobwrap_*.apk
a list --installed 2>/dev/null | grep -q -- '-r99 ' || fail "not upgraded"
if a add ./gobwrap-setuid_*.apk >/tmp/said 2>&1; then fail "gobwrap-setuid is installed beside gobwrap"; fi
quiet a del gobwrap
quiet a add ./gobwrap-setuid_*.apk
is "4755 root:root" mode $root/usr/bin/gobwrap
is yes as_user $root/usr/bin/gobwrap --mode setuid --ro-bind / / -- echo yes
quiet a add newer/gobwrap-setuid_*.apk
is "4755 root:root" mode $root/usr/bin/gobwrap
quiet a add ./gobwrap-as-bwrap_*.apk
is "$(PATH=$root/usr/bin:$PATH as_bwrap)" $root/usr/bin/bwrap --version
quiet a del gobwrap-as-bwrap gobwrap-setuid
empty $root ./lib/apk ./usr/lib/apk ./etc/apk ./var
