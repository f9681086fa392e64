// Package suid is the setuid mode: what a binary that is owned by root and has mode
// 4755 does on a kernel that refuses user namespaces to ordinary users, and what keeps
// it from doing more.
//
// # Two rules
//
// Whoever reads the command line has no privilege. Whoever has privilege takes one
// message, believes nothing in it, and can do only what is written in a table.
//
//	exec, euid 0 ─▶ enter ── stand: is this an installation that we know?   (child/drop)
//	                  │
//	                  ├─fork─▶ keeper: root's capabilities that are on a list, the user's ids,
//	                  │        not dumpable, no_new_privs, empty bounding set; waits   (child/keeper)
//	                  │
//	                  ├─ gives all up, for ever, and proves it                         (child/drop)
//	                  └─ parses, compiles, tries direct mode, and waits as the monitor (child/direct)
//
//	direct mode works:    the keeper's socket closes, it ends without having done anything
//	the kernel refuses:   the launcher compiles a plan for this mode and sends it:
//
//	keeper: one message, whole ─▶ plan.Verify ─▶ Gate (policy.go) ─▶ setuid.conf ─▶ descriptors
//	        ─▶ clone, as the monitor's child ─▶ ends
//	sandbox's first process: walks the plan by the code of direct mode, as the user and
//	        without an effective capability; one is raised around a single system call
//
// What takes the Go runtime after the drop, a message or a command line that needs it, is
// done by a process that the launcher forks (package child). It proves the drop again, on
// every thread (prove.go), and is otherwise like the launcher.
//
// In plan mode (package child) a Go program that the user has started sends the plan. It
// has nothing that the launcher after the drop would not have, and nothing changes for the
// keeper: it is forked, and privilege dropped, before a byte of the program's is read; the socket's and the pipe's numbers are
// looked at as the user. TestHostileHost (tests/hosted).
//
// # Who is trusted with what
//
// After the drop the launcher, and what it forks, belong to the user, who may trace them,
// stop them, and send anything on the keeper's socket (CVE-2016-8659, CVE-2026-41163
// were that). So nothing that the launcher checks counts; it asks the same tables first
// only for a better message.
//
// The keeper and the sandbox's processes before exec have the user's ids only. So files are
// opened, made and refused as for the user (their FUSE mounts included), and the user can
// kill these processes. What protects them is that they are not dumpable and hold
// permitted capabilities that the user lacks (ptrace(2), "Ptrace access mode checking":
// either alone refuses PTRACE_ATTACH, /proc/PID/mem, /proc/PID/fd, pidfd_getfd and
// process_vm_writev; the second also while a process is ending and has no memory left to
// be undumpable, CVE-2026-46333). Their descriptors are the caller's own, /proc, and
// directories that the user could open as well.
//
// # A walk through the code that runs with privilege
//
//  1. enter (child/entry_unsafe.go) looks at the auxiliary vector only. AT_SECURE is 0
//     for everybody but a set-id start.
//  2. stand (child/drop_unsafe.go) decides what this start is. Anything but a regular
//     setuid-root file without set-gid bit and file capabilities drops all and is refused
//     with a sentence ([Standing]).
//  3. startKeeper forks the keeper; the process itself drops (giveUp, proven).
//  4. runKeeper (child/keeper_unsafe.go) settles what it keeps ([Kept]) and waits.
//     End of file is the usual end.
//  5. A plan is read into private memory; plan.Verify (internal/plan/verify_unsafe.go)
//     makes it safe to walk; [Gate] (gate_unsafe.go) refuses what is not for strangers;
//     [ReadConf] (conf_unsafe.go) applies what the administrator says.
//  6. The first process is cloned. With --unshare-user the keeper creates the user
//     namespace under an id that nobody has (see below), writes its maps, and hears from the
//     first process whether mounting is permitted there. Set-up keeps what mounting needs,
//     permitted, in that namespace or in the host's, and raises it in one function,
//     privileged (child/privilege_unsafe.go).
//  7. OpCaps, in the payload before anything of the payload's choice, and seal, in init
//     before the payload may start, drop what is left.
//
// The command "make privileged-lines" counts these lines.
//
// # Limits
//
// What comes after OpCaps is done by a process that has nothing which its user has not: a
// limit (OpSet) is judged by the kernel as the user's own setrlimit(2) would be, which never
// raises a hard one, and package setting refuses that besides. To lower one's own limits
// gains nothing either: nothing with privilege runs under them. They are set in the
// payload's process alone, behind set-up and init, and go with its exec to the command, for
// which no_new_privs is set, so that it starts no program with more privilege that a limit
// could make fail halfway. OpClose closes what the payload's process has open, and the
// keeper's part is over by then. OpTimeout is obeyed by the monitor, which is the user's, by
// signals that the user could send. OpScore is refused: while the sandbox's processes are
// not dumpable, their files in /proc are root's, and it would take another id to write one.
//
// # The owner of a user namespace
//
// The owner of a user namespace is the effective uid of its creator. A process that has
// this effective uid, and lives in the parent namespace, has every capability in the
// namespace (user_namespaces(7)): it may enter it with setns(2) and take the ids that are
// mapped there, among them the uid of the sandbox's user. So the keeper creates the
// namespace under the id [Owner] of the caller's uid: one of 65525 ids, 4294901768 to
// 4294967292, that nobody has. Root of a namespace that needs one for its devpts is 65534
// outside, or, where that is the user, [NoOnesRoot].
//
// What an attacker needs is a process outside, in the namespace's parent, whose effective
// uid is the owner. The ways to one:
//
//   - To have the id. No account may, which the administrator has to see to (SECURITY.md).
//     The keeper refuses callers whose uid or gid is [Reserved], so that such an account
//     does not own at least the namespaces of its own sandboxes.
//   - To be granted the id, in /etc/subuid or by a directory service. As a member of a
//     namespace of one's own one is not in the parent, and owns nothing. But a set-user-id
//     file that is made there gives the id outside to whoever executes it. So the range lies
//     above what FreeIPA grants (2147483648 to 4294901767), and shadow's and systemd's
//     ranges lie far below; here too the rest is the administrator's.
//   - To share the id. Uids below 61440 have an owner to themselves. The others, which
//     include every id that can be granted, share 4085. That gives none of them a process
//     with the id: for what the keeper does, it does not matter whether another user's
//     keeper has used the same id. What they share are the counts and limits that the kernel
//     keeps for the owner (user.max_* of namespaces(7), RLIMIT_NPROC): one of them can use
//     up the other's sandboxes' share, but not that of an account of the machine.
//   - To get hold of a process that has it. The keeper has it as real and effective uid,
//     from becomeOwner to becomeUser. The saved uid is the user's, who may kill it or
//     stop it; all else is refused as ever (not dumpable, more capabilities). The
//     first process has it until its maps are written, takes the user's ids next, and ends
//     if it may not. Both run this package's code only, and execute nothing.
//   - To have a file of that id. The file-system uid is the user's meanwhile, or root's for
//     the files of /proc, so none comes to be.
//   - To become root inside, who is mapped to 65534 or NoOnesRoot. Neither owns a namespace,
//     and it takes CAP_SETUID there, which nobody has once the first process has taken its
//     ids.
//
// Where the id does not exist, in a container that maps fewer, there is no user namespace,
// and the keeper says so. It takes no other id in its place.
//
// # Imports
//
// The files *_unsafe.go run without the Go runtime (package child says the laws). The
// package imports the plan's layout only: package child, which runs the keeper, and
// package sandbox, which words its refusals, import this one.
//
// The build tag nosetuid leaves the mode out: such a binary, set-id, is refused.
package suid
