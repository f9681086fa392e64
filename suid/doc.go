// Package suid is the setuid mode: what a binary that is owned by root and has mode
// 4755 does on a kernel that refuses user namespaces to ordinary users, and what keeps
// it from doing more. This package has its tables; package keeper and package broker below
// it have the code that runs with privilege, and nothing else does.
//
// # Processes
//
// A process that reads what the user says has no privilege. A process that has privilege
// reads sixteen bytes, or requests of a fixed size, and is out of the user's reach.
//
//	exec, euid 0 ─▶ launcher: is this an installation that we know?            keeper.Stand
//	     │
//	     ├─fork─▶ keeper: root's ids, the capabilities on a list, no_new_privs     keeper.Run
//	     │           ▲ 16 bytes: {namespaces, uid, gid, flags}
//	     │           ├─ /etc/gobwrap/setuid.conf, as a mask of bits
//	     │           ├─fork─▶ in a user namespace: a locked copy of the mounts; ends
//	     │           ├─ enters that, and the new namespaces; nothing propagates to the host
//	     │           ├─clone─▶ first process: gives everything up, and returns to package child,
//	     │           │              walks the plan as in direct mode  ──────────┐
//	     │           └─ becomes the broker: CAP_SYS_ADMIN, a filter of 20 calls ◀┘ requests    broker.Serve
//	     │
//	     ├─ gives all up, permanently, and proves it                               keeper.Drop
//	     └─ parses, compiles, tries direct mode, and waits as the monitor
//
// Where direct mode works, the keeper sees the end of its socket, and ends without having done
// anything. Where the kernel refuses, the launcher sends the header, and behind it the plan,
// which the first process reads. That process has the user's ids and no capability from the
// call on that gives it these ids: all its uids were 0 before, so that the kernel takes the
// capabilities in the same call (capabilities(7), "Effect of user ID changes to
// capabilities"). Its user may trace it, and it may say whatever the user likes.
//
// The keeper and the broker have root's uid as real, effective and saved uid (the keeper another
// effective one while it makes namespaces: see below). So the user,
// who is their parent process, can neither signal nor trace them, nor set their limits
// (kill(2), ptrace(2), prlimit(2)); their signals are blocked, as the terminal sends some. A
// control group that is delegated to the user can freeze or kill them, which gains nothing.
//
// # The broker's requests
//
// A request is {operation, three integers, a host name} of fixed size, with at most two
// descriptors; an answer is one word. All that is not one of these ends the broker. The user's
// only string is the host name.
//
//	BIND      source, destination; flags   clones the tree with all its mounts, adds nosuid and the flags, attaches it
//	FS        destination; kind, mode, size   a new tmpfs, devpts or mqueue
//	RESTRICT  mount; flags                 read-only, nosuid, nodev, noexec: adds flags, takes none
//	ROOT      —                            the frame: the old root is set aside, and the new proc beside it
//	PIVOT     new root                     the new root becomes the only one; the broker ends
//	HOSTNAME  name                         only with --unshare-uts
//	STAGE, PLACE                           BIND for kernels without open_tree(2): see below
//
// The loopback interface is the keeper's to raise, before any process of the user's is in its
// network namespace; and END is the end of the socket.
//
// # Why a request gains nothing
//
// A mount namespace of one's own is what the kernel gives to everybody where it permits user
// namespaces. Here new file systems are not nodev by themselves, set-user-id files are those of the
// host, and where root cannot make user namespaces either, the kernel does not lock mounts together.
// So:
//
//   - Set-user-id files, in a tree of the user's making (another /etc/passwd, another library).
//     The keeper sets no_new_privs before it clones, and nobody can take that back: no process
//     that is in this mount namespace ever gains privilege by an exec. BIND adds nosuid besides. A
//     process outside does not come in: setns(2) takes CAP_SYS_ADMIN in the user namespace that
//     owns it, which is root's, and through /proc/PID/root set-user-id bits of another mount
//     namespace do not count.
//   - Devices. A BIND keeps nodev where it was, and a tmpfs is nodev. No call makes a device.
//   - Flags of host mounts: read-only, noexec, nosymfollow. A clone has them all; RESTRICT only
//     adds. By mount(2) that means to name all that are to stay: they are read from the same
//     descriptor, and named in the same call (below: names).
//   - Hidden files. The mounts are locked together (enterLocked in package keeper), as in a user
//     namespace: what one hides nobody sees, not by a PIVOT to the mount that hides it, nor by a
//     descriptor from here after PIVOT has taken the old root apart, or the end of the namespace
//     all of it. Without locks (there are no user namespaces): BIND is recursive and takes
//     along what lies on a tree. Unbindable mounts would be left out: if there is one, the keeper
//     makes all mounts private, which ends that. No request unmounts but PIVOT, after which a
//     descriptor shows what lies below mounts (what root's other namespaces do too, when they
//     end). A directory that can be moved from above a mount point is not protected, as nowhere
//     (SECURITY.md).
//   - Mounts of the host. All of the namespace is a slave before there is a first process, so
//     nothing propagates out. Descriptors of other namespaces: the kernel takes mounts of the
//     caller's own (check_mnt), for sources, destinations and RESTRICT.
//   - Destinations in the old root, on the frame, on /proc/PID of anybody: permitted, since they
//     change what the processes of this namespace see, all of which are the user's without
//     privilege. The broker looks no path up there.
//   - Names. mount(2) takes paths. The broker has five on the frame's first tmpfs, which is
//     root's; of those, the two of STAGE can be mounted on by the user, with a link too, so what
//     is on top there is opened, and no link followed. All others are self/fd/N in a proc that the
//     keeper has bound for itself and detached: nobody can name that mount, so nobody can mount on
//     what lies in it. Whatever a descriptor is, N is what it is open on.
//   - What descriptors are: of O_PATH or not, sockets, pidfds, files of /proc, links themselves:
//     the calls take any file of a mount in this namespace, and refuse the others by EINVAL. The
//     broker neither reads nor writes one, and asks no file system about it but for close(2),
//     statfs(2) in RESTRICT, and fstat(2) where setuid.conf refuses --bind: a file system of the
//     user's (FUSE) can make it wait there, as every set-user-id program that closes its standard
//     input, and gets nothing.
//   - A new proc, which could show what covers hide from the host's: the keeper has one made where
//     the kernel would permit it in a user namespace: the host's is covered nowhere, not
//     read-only, with the ordinary atime. mqueue only in a new IPC namespace, devpts always a new
//     instance, no sysfs, no overlay, no other type: no module is loaded, no option is the user's
//     but mode and size.
//   - Amounts: MaxRequests requests, MaxFileSystems file systems, half of the memory for one
//     tmpfs, of which ROOT makes two more, the kernel's fs.mount-max (4.9). What a tmpfs holds is
//     charged to whoever writes it.
//   - Order. Before ROOT only ROOT and HOSTNAME are known. After PIVOT, or a ROOT that failed and
//     left the host's root to the broker, there is nobody to ask. A request is carried out as a
//     whole before the next is read, by one thread.
//   - Time. A peer that says nothing for ten minutes is left. Where the launcher is gone (it may
//     have been killed while the first process is stopped: TestLinger) no request is answered, and
//     a peer is left within seconds: processes of root's count in no limit of the user's, and the
//     launchers do. A broker that is alive can do no more than a new one could.
//
// # Kernels without the newer calls
//
// STAGE binds a source to a place on the frame's first tmpfs, and adds the flags as BIND does, or
// to the top mount alone where there is no mount_setattr(2); PLACE moves what is there to a
// destination. Between the two the first process looks for the mounts below in mountinfo, as
// in direct mode, and has each restricted. What it leaves out is without nosuid; see above why
// nothing comes of it. (And writable, where it was: setuid.conf's refusal of --bind is complete
// from Linux 5.12 on.)
//
// # What is left to an attacker
//
// The launcher is the user's from its exec on, and has root's saved uid until it drops. It can be
// stopped there, as every set-user-id program can; it has read nothing, and goes on in the
// same way. The keeper is cloned when all three uids are 0 and the capabilities are those of
// the list: nobody but root can stop it, except for the terminal (Ctrl-Z) before its first
// instruction, which blocks signals. It would hold its capabilities then, stopped, until the kernel
// continues its orphaned process group.
//
// # A walk through the code that runs with privilege
//
//  1. entry and enterLauncher (sandbox/child) look at the auxiliary vector only. AT_SECURE is 0
//     for everybody but a set-id start. keeper.Lower is the next call.
//  2. keeper.Stand decides what this start is. Anything but a regular setuid-root file
//     without set-gid bit and file capabilities drops all and is refused with a sentence ([Standing]).
//  3. keeper.Fork sets root's ids and [Kept], and clones. The launcher drops ([keeper.Drop]), proven.
//  4. keeper.Run settles what the keeper keeps, waits for the header, applies setuid.conf,
//     makes the namespaces, clones the first process, and writes its maps.
//  5. keeper.born is the first process until it is the user's.
//  6. broker.Serve.
//
// The command "make privileged-lines" counts these lines.
//
// # The owner of a user namespace
//
// The owner of a user namespace is the effective uid of its creator. A process that has
// this effective uid, and lives in the parent namespace, has every capability in the
// namespace (user_namespaces(7)): it may enter it with setns(2) and take the ids that are
// mapped there, among them the uid of the sandbox's user. So the keeper has the
// namespaces of a launch made under the id [Owner] of the caller's uid: one of
// 65525 ids, 4294901768 to 4294967292, that nobody has. Root of a namespace that needs one
// is 65534 outside, or, where that is the user, [NoOnesRoot]. Nobody is in the user namespace
// for the locks, which has the same owner, and to which the sandbox's mount namespace belongs; the other
// namespaces belong to the host's.
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
//     with the id. What they share are the counts and limits that the kernel keeps for the owner
//     (user.max_* of namespaces(7), RLIMIT_NPROC).
//   - To get hold of a process that has it. The keeper has it as effective uid while it makes
//     namespaces, and the first process until it takes the user's ids; both have root's as real and
//     saved uid, and run this package's code only.
//   - To have a file of that id. None is made meanwhile.
//   - To become root inside, who is mapped to 65534 or NoOnesRoot. Neither owns a namespace,
//     and it takes CAP_SETUID there, which nobody has once the first process has taken its
//     ids.
//
// The kernel counts namespaces as the owner's (user.max_* of namespaces(7)). If they were root's, one
// user could use up what root's services need, and descriptors alone keep namespaces.
//
// Where the id does not exist, in a container that maps fewer, there is no user namespace for the
// sandbox, and the keeper says so. It takes no other id in its place. The other namespaces, and the one
// for the locks, are root's there, and for a caller who has a reserved id.
//
// # Imports
//
// The files *_unsafe.go run without the Go runtime (package child says the laws).
//
// The build tag nosetuid leaves the mode out: such a binary, set-id, is refused.
package suid
