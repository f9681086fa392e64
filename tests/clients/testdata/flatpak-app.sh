#!/bin/sh
# The application: it tells what it sees.
look() {
	echo "app: $(grep -c '^name=org.example.App$' /.flatpak-info)"
	echo "user-namespace: $(readlink /proc/self/ns/user)"
	echo "id: $(id -u)"
	echo "seccomp: $(grep '^Seccomp:' /proc/self/status | grep -o '[0-9]')"
	echo "no-new-privs: $(grep '^NoNewPrivs:' /proc/self/status | grep -o '[0-9]')"
	echo "interfaces: $(grep -c : /proc/net/dev)"
	echo "diary: $(cat /home/client/diary 2>/dev/null)"
	{ touch /usr/x && echo "usr: writable"; } 2>/dev/null || echo "usr: read-only"
	{ touch /app/x && echo "app-dir: writable"; } 2>/dev/null || echo "app-dir: read-only"
	{ touch /home/client/shared/x && echo "shared: writable"; } 2>/dev/null || echo "shared: no"
}

# gdbus runs the host's, with the host's libraries.
gdbus() {
	lib=/run/host/usr/lib/x86_64-linux-gnu
	"$lib/ld-linux-x86-64.so.2" --library-path "$lib" /run/host/usr/bin/gdbus "$@"
}

# spawn asks the portal for another sandbox with this program in it, and looks whether
# the other's processes can be seen here.
spawn() {
	echo "here: $(readlink /proc/self/ns/pid)"
	gdbus call --session --dest org.freedesktop.portal.Flatpak --object-path /org/freedesktop/portal/Flatpak \
		--method org.freedesktop.portal.Flatpak.Spawn "b'/'" "[b'/app/bin/hello', b'spawned']" \
		'@a{uh} {}' '@a{ss} {}' "$1" '@a{sv} {}' >/dev/null || { echo "refused: yes" && return; }
	until [ -e "$shared/spawned" ]; do sleep 0.02; done
	cat "$shared/spawned"
	if grep -q '[s]pawned' /proc/[0-9]*/cmdline 2>/dev/null; then echo "seen: yes"; else echo "seen: no"; fi
	touch "$shared/seen"
}

# spawned is what runs there, until the other has looked.
spawned() {
	{ look && echo "there: $(readlink /proc/self/ns/pid)"; } >"$shared/spawned.new"
	busybox mv "$shared/spawned.new" "$shared/spawned"
	until [ -e "$shared/seen" ]; do sleep 0.02; done
}

stay() {
	readlink /proc/self/ns/pid >"$shared/there.new"
	busybox mv "$shared/there.new" "$shared/there"
	sleep 60
}

note() { echo "$1" >/home/client/.notes/note; }
notes() { cat /home/client/.notes/note; }

shared=/home/client/shared
case $1 in
end) exit "$2" ;;
*) "$@" ;;
esac
