// Package clients runs programs that start bwrap with gobwrap in its place: flatpak,
// WebKitGTK, gnome-desktop's thumbnailers, mat2, opam and the npm package
// @anthropic-ai/sandbox-runtime; and Chromium, with its own sandbox, inside gobwrap.
// scripts/clients-setup.sh installs them; the tests take part with the build tag
// clients:
//
//	make test-clients
//	go test -tags clients ./tests/clients -run Flatpak
//
// # A world
//
// Each client runs as an ordinary user in mount, PID and network namespaces of its own:
// nothing of the host's home directories, temporary files and displays is there, nothing
// is left when a test ends, and there is no network but the loopback, and for one client
// another host. The directory for temporary files must not lie below /home or /run/user.
//
//	test ─▶ unshare ─▶ world.sh ─▶ dbus-run-session ─▶ a script of testdata ─▶ client
//	                   init there  as user 12345                               │
//	                                                  recorder ◀───────────────┘
//	                                                     │ notes the call
//	                                                  gobwrap ─▶ command
//
// # What is proven
//
// That the client called gobwrap: a recorder, which can become nothing else, wrote the
// calls down, and where processes can be looked at, /proc/PID/exe is gobwrap's file. That
// the launch had the effect that the client wanted: each test looks for it. That the test
// can fail: with a launcher that fails in the place of gobwrap, the client fails.
//
// That a client's calls have not changed: docs/clients.md has the options that each one
// uses, and is compared with the calls; each of them occurs in a case of the compat
// suite.
//
// BWRAP_UNDER_TEST names another launcher than the one that is built, to compare with
// (not for setuid mode).
package clients
