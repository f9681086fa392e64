# shellcheck shell=sh
# The profile is put where it is loaded by an AppArmor that understands it, and only then.
# The parsers are those of AppArmor 3.0 (Debian 12) and 4.1 (Debian 13).
profile=/etc/apparmor.d/gobwrap
[ ! -e /sbin/apparmor_parser ] || fail "there is an AppArmor on this machine already"

# apparmor installs the files of Debian's package, without its scripts: it would look for
# a kernel with AppArmor. The later one brings the libraries that it was linked with.
apparmor() { # 3|4
	tree=/tmp/apparmor-$1
	mkdir -p "$tree/DEBIAN" "$tree/usr/share"
	cp -a "/tmp/foreign/apparmor-$1/apparmor/etc" "$tree/"
	cp -a "/tmp/foreign/apparmor-$1/apparmor/usr/share/apparmor-features" "$tree/usr/share/"
	cp -a "/tmp/foreign/apparmor-$1/apparmor/DEBIAN/conffiles" "$tree/DEBIAN/"
	sed '/^Depends:/d;/^Pre-Depends:/d;/^Breaks:/d' "/tmp/foreign/apparmor-$1/apparmor/DEBIAN/control" >"$tree/DEBIAN/control"
	libraries=/tmp/foreign/apparmor-$1
	mkdir -p "$tree/sbin"
	if [ "$1" = 3 ]; then
		cp "$libraries/apparmor/sbin/apparmor_parser" "$tree/sbin/"
	else
		lib=usr/lib/x86_64-linux-gnu
		cat >"$tree/sbin/apparmor_parser" <<EOF
#!/bin/sh
exec $libraries/libc6/$lib/ld-linux-x86-64.so.2 --library-path \
	$libraries/libc6/$lib:$libraries/libapparmor1/$lib:$libraries/libstdc++6/$lib:$libraries/libgcc-s1/$lib \
	$libraries/apparmor/usr/sbin/apparmor_parser "\$@"
EOF
		chmod 755 "$tree/sbin/apparmor_parser"
	fi
	quiet dpkg-deb --root-owner-group -Znone -b "$tree" "$tree.deb"
	add --force-confnew --force-confmiss "$tree.deb"
	apparmor_parser --version | grep -q "version $1\." || fail "not an AppArmor $1"
}
there() { cmp /usr/share/gobwrap/apparmor/gobwrap $profile || fail "$*: the profile is not there"; }
missing() { [ ! -e $profile ] || fail "$*: the profile is there"; }

add ./gobwrap_*.deb
missing "without AppArmor"
apparmor 3
missing "with AppArmor 3"
apparmor 4
there "after an upgrade of AppArmor"

# An upgrade brings the new one, and leaves what the administrator did.
dpkg-deb -R ./gobwrap_*.deb /tmp/next
sed -i 's/^Version: .*/Version: 99/' /tmp/next/DEBIAN/control
echo '# a later version' >>/tmp/next/usr/share/gobwrap/apparmor/gobwrap
quiet dpkg-deb --root-owner-group -Znone -b /tmp/next /tmp/next.deb
add /tmp/next.deb
grep -q 'a later version' $profile || fail "an upgrade does not bring the new profile"
echo '# mine' >>$profile
add ./gobwrap_*.deb
grep -q '# mine' $profile || fail "the administrator's change is lost"
rm $profile
add /tmp/next.deb
missing "after the administrator removed it"
purge gobwrap

# Removal keeps it, as it keeps every configuration file; purging does not.
add ./gobwrap_*.deb
there "with AppArmor 4"
remove gobwrap
[ -e $profile ] || fail "removal takes the profile"
purge gobwrap
missing "after purging"

# One that was there before is the administrator's.
echo '# mine' >$profile
add ./gobwrap_*.deb
is "# mine" cat $profile
purge gobwrap
is "# mine" cat $profile
rm $profile
quiet dpkg -P apparmor
nothing_left
