#!/bin/sh
# Builds a runtime and an application, without network, installs both for the user and
# uses them. Facts go to stdout, flatpak's chatter to stderr.
set -eu
exec 3>&1 1>&2

# Flatpak asks the system bus for parental controls; nobody answers on this one either.
export DBUS_SYSTEM_BUS_ADDRESS="$DBUS_SESSION_BUS_ADDRESS"
app=org.example.App

# listed counts the instances. Flatpak forgets one when nobody holds its lock, but not one
# that is younger than 3 seconds.
listed() {
	touch -d '1 minute ago' "$XDG_RUNTIME_DIR"/.flatpak/*/.ref
	flatpak ps --columns=application | grep -c "$app" || :
}

fact() { printf '%s: %s\n' "$1" "$2" >&3; }

build_runtime() {
	mkdir -p rt/files/bin rt/files/lib rt/files/etc
	cat >rt/metadata <<-END
		[Runtime]
		name=org.example.Platform
		runtime=org.example.Platform/x86_64/stable
		sdk=org.example.Platform/x86_64/stable
	END
	cp /bin/busybox rt/files/bin
	for name in sh cat chmod echo grep id ls mkdir readlink sleep touch; do
		ln -s busybox "rt/files/bin/$name"
	done
	flatpak build-export --runtime --files=files repo rt stable
	flatpak --user remote-add --no-gpg-verify local repo
	flatpak --user install -y local org.example.Platform//stable
}

build_app() {
	flatpak build-init app "$app" org.example.Platform org.example.Platform stable
	cp "$TESTDATA/flatpak-app.sh" .
	flatpak build --filesystem="$HOME" app sh -c 'mkdir -p /app/bin && cat flatpak-app.sh >/app/bin/hello && chmod 755 /app/bin/hello
		mkdir -p /app/share/icons/hicolor/64x64/apps && cat org.example.App.png >/app/share/icons/hicolor/64x64/apps/org.example.App.png'
	flatpak build-finish app --command=hello --filesystem=~/shared
	flatpak build-export repo app stable
	flatpak --user install -y local "$app"
	fact icon "$(cd ~/.local/share/flatpak/exports/share/icons && find -L . -name "$app.png" -size +0 | grep -c .)"
}

# spawn has the application ask the portal for another sandbox: one as its own, one whose
# processes it sees (32), one that shares its processes (128).
spawn() {
	for flags in 0 32 128; do
		rm -f shared/spawned shared/seen
		flatpak run --filesystem=host-os "$app" spawn "$flags" | sed "s/^/spawn-$flags-/" >&3
	done
}

# use runs the application and talks to it while it runs.
use() {
	mkdir shared
	echo secret >diary
	flatpak run "$app" look >&3
	status=0
	flatpak run "$app" end 7 || status=$?
	fact exit-status "$status"
	flatpak run --sandbox "$app" look | sed 's/^/sandbox-/' >&3

	# A directory of the home's that is the application's own (flatpak#5922).
	flatpak run --persist=.notes "$app" note text || :
	fact persisted "$(flatpak run --persist=.notes "$app" notes)"
	fact persisted-at "$(cat ".var/app/$app/.notes/note")"

	flatpak run "$app" stay &
	pid=$!
	until [ -e shared/there ]; do sleep 0.01; done
	fact listed "$(listed)"
	entered=$(flatpak enter "$app" readlink /proc/self/ns/pid) || entered=no
	fact entered "$entered"
	fact stays-in "$(cat shared/there)"
	until [ -e go-on ]; do sleep 0.01; done
	flatpak kill "$app"
	status=0
	wait "$pid" || status=$?
	fact killed "$status"
	fact listed-after "$(listed)"
}

build_runtime
build_app
use
spawn
