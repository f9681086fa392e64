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

case $1 in
look) look ;;
end) exit "$2" ;;
stay)
	readlink /proc/self/ns/pid >/home/client/shared/there.new
	busybox mv /home/client/shared/there.new /home/client/shared/there
	sleep 60
	;;
esac
