# shellcheck shell=sh
set -eu
# What scripts for AppArmor begin with: its parser, of AppArmor 4.1, as scripts/packages-setup.sh unpacks it.
foreign=/run/foreign
mkdir "$foreign"
tar -xf /run/vm/foreign.tar -C "$foreign"
fail() {
	echo "NOT AS IT SHOULD BE: $*"
	exit 1
}
lib=usr/lib/x86_64-linux-gnu
parser() {
	"$foreign/libc6/$lib/ld-linux-x86-64.so.2" \
		--library-path "$foreign/libc6/$lib:$foreign/libapparmor1/$lib:$foreign/libstdc++6/$lib:$foreign/libgcc-s1/$lib" \
		"$foreign/apparmor/usr/sbin/apparmor_parser" --skip-cache --quiet \
		--base "$foreign/apparmor/etc/apparmor.d" --config-file /dev/null "$@"
}
grep -q userns_create /sys/kernel/security/apparmor/features/namespaces/mask || fail "this AppArmor does not mediate user namespaces"
