// Package suid is setuid mode: what a binary that belongs to root and has mode 4755 does on a
// kernel that refuses user namespaces to ordinary users. This package has the policy as tables.
// Packages keeper and broker below it have the code that runs with privilege. That code calls a few
// functions of other places, which then run with privilege too: the reader of setuid.conf
// (conf_unsafe.go here), internal/raw, the loopback interface and files of /proc in internal/step, the
// entry point in sandbox/child. "make privileged-lines" lists and counts them all.
//
// # Processes
//
// A process that reads the user's input has no privilege. A process that has privilege reads
// messages of fixed size, and the user can neither signal nor trace it.
//
//	exec, euid 0 ─▶ launcher: how is this binary installed?                  keeper.Split
//	     │
//	     ├─fork─▶ keeper: root's ids, the capabilities in Kept, no_new_privs
//	     │           ▲ 16 bytes: {namespaces, uid, gid, flags}
//	     │           ├─ reads /etc/gobwrap/setuid.conf
//	     │           ├─fork─▶ makes a user namespace and copies the mounts in it, which locks them; ends
//	     │           ├─ enters that copy and the other new namespaces, writes the maps
//	     │           ├─clone─▶ first process: drops everything; then, in package first,
//	     │           │              carries out the plan as in direct mode  ────┐
//	     │           └─ becomes the broker: CAP_SYS_ADMIN, a filter of 15 calls ◀┘ requests    broker.Serve
//	     │
//	     ├─ drops all privilege permanently, and asks the kernel to confirm it
//	     └─ parses, compiles, tries direct mode, and waits as the monitor
//
// If direct mode works, the launcher closes its socket, and the keeper ends without having done
// anything. If the kernel refuses direct mode, the launcher sends the 16 bytes, and after them
// the plan, which the first process reads.
//
// The first process has the user's ids and no capabilities. One system call makes both true:
// its real and saved uid were 0 before, so setresuid(2) clears the capabilities when it sets the ids
// (capabilities(7), "Effect of user ID changes on capabilities"). From then on the user may trace
// it and make it send anything.
//
// The keeper and the broker have root's uid as real, effective and saved uid, except that the keeper
// has another effective uid while it makes namespaces (see below). So the user, whose process is their
// parent, cannot signal or trace them or set their limits (kill(2), ptrace(2),
// prlimit(2)). They block all signals, because the terminal sends some. A user with a delegated
// control group can freeze or kill them, which gains nothing.
//
// # The broker's requests
//
// A request has a fixed size: an operation, three integers, a host name, and two descriptors. The
// answer is an errno. Anything else ends the broker. The host name is the only string that comes from
// the user.
//
//	BIND      source, destination; flags      binds a tree with its mounts, adding nosuid and flags
//	FS        destination; kind, size, mode   mounts a new tmpfs, devpts or mqueue
//	RESTRICT  mount; flags                    adds read-only, nosuid, nodev, noexec; removes no flag
//	ROOT      —                               builds the frame: the old root is set aside, the new proc next to it
//	PIVOT     new root                        makes it the only root; the broker ends
//	HOSTNAME  name                            only in a new UTS namespace
//
// There is no request for the loopback interface: the keeper raises it before a process of the
// user's is in the network namespace.
//
// # The frame
//
// ROOT puts this in the place of the host's root. Package mounts/build has the picture of direct mode.
//
//	/              a tmpfs of root's, mode 0755: the broker alone makes names on it
//	├── oldroot    the host's tree: sources
//	├── base       a tmpfs of the user's: files that set-up makes and the payload never sees
//	├── newroot    a tmpfs of the user's: the new root, in which destinations are
//	├── newproc    the new proc, if there is one: a source
//	└── stage      a directory of root's, mode 0700: here a bind waits until it has its flags
//
// # Why a request gains nothing
//
// Where the kernel permits user namespaces, every user can have a mount namespace. The one that
// the keeper makes differs in three ways: new file systems are not nodev by default, set-user-id
// files have the host's owners, and, if root cannot make user namespaces either, mounts are not
// locked together. Hence the following rules.
//
// Set-user-id files. The user could bind another /etc/passwd or library under a set-user-id
// program. But the keeper sets no_new_privs before it clones, which cannot be undone
// (PR_SET_NO_NEW_PRIVS, prctl(2)): no process in this mount namespace gains privilege by an exec.
// BIND also adds nosuid. A process outside cannot enter the namespace, since setns(2) needs
// CAP_SYS_ADMIN in the user namespace that owns it. Through /proc/PID/root of a process inside,
// set-user-id bits do not count: the kernel ignores them on a mount of another mount namespace
// (mnt_may_suid, since Linux 4.8).
//
// Devices. A BIND keeps nodev, a new tmpfs is nodev, and no request makes a device node.
//
// Flags of host mounts (read-only, noexec, nosymfollow and others). A bind keeps all of them, and
// BIND and RESTRICT only add. With mount(2), which replaces all flags, the present flags are read from the
// same descriptor and named again.
//
// Hidden files. The mounts are locked together (makeUserNS in package keeper), as in a user
// namespace, so what one mount hides stays hidden: also after a PIVOT to the mount that hides it,
// and through a descriptor that is used after PIVOT has detached the old root or after the
// namespace has ended.
//
// If there are no user namespaces, not even for root, there are no locks. Then BIND is recursive, so it takes
// along the mounts that hide something. Unbindable mounts would be left out, so the keeper makes them bindable
// (makeSlaves). No request unmounts anything except PIVOT. After it, and after the end of the namespace, a
// descriptor from inside shows what lay below mounts. In neither case is a directory protected if the user can
// move it away from above a mount point (SECURITY.md).
//
// The host's mounts. All mounts are slaves before the first process exists, so nothing propagates
// to the host. Descriptors of another mount namespace's mounts are useless: for sources, destinations and
// RESTRICT the kernel accepts only mounts of the caller's own (check_mnt in fs/namespace.c).
//
// Destinations need not be below newroot: the old root, the frame itself and /proc/PID of any process are
// permitted. They change only what processes of this namespace see, and all of these are the user's and
// without privilege, except for the broker, which looks up none of these places after ROOT.
//
// Paths. mount(2) takes paths. The broker has five names of its own on the frame's first tmpfs, which belongs
// to root: see "The frame". It uses them only during ROOT, when the user has mounted nothing yet. From then on
// it has a descriptor of stage, and opens two names below that. The user cannot search this directory, so
// cannot mount anything there; a mount on stage itself changes nothing for the descriptor. The mount that lies
// on a name may be a symbolic link that was bound: O_NOFOLLOW. It may also be an older one, which a BIND has
// left, or the copy of a mount that covers the source: so bind adds the flags to what it is about to move, and
// judges that by setuid.conf. All other paths are self/fd/N in a proc that the keeper has bound and detached.
// The user cannot name that mount, so cannot mount anything in it, and self/fd/N always is what descriptor N
// refers to.
//
// Kinds of descriptors. The user may send any: with or without O_PATH, sockets, pidfds, files of /proc,
// symbolic links. The calls accept files on a mount of this namespace, and files that stand for a namespace or
// a process, which gain nothing, and refuse the rest. The broker never reads or writes such a file. It asks a
// file system about it only with close(2), with statfs(2) when flags are added, and, for a writable bind, with
// fstat(2) if setuid.conf refuses --bind. A FUSE file system of the user's can delay the answer, as it can
// delay any set-user-id program that closes its standard input, and gains nothing by that.
//
// A new proc could show what is covered in the host's. There is one only as in a user namespace: if nothing
// covers a part of the host's, and its flags are the ordinary ones. Where mounts are locked together the kernel
// itself judges this, since Linux 4.2 (mnt_already_visible, mount_too_revealing), and elsewhere the keeper
// (mayMountProc).
//
// Other file systems. An mqueue needs a new IPC namespace, a devpts is always a new instance.
// There is no sysfs, overlay or other type, so no kernel module is loaded. The user chooses only
// the mode and the size of a tmpfs.
//
// Amounts. One broker carries out MaxRequests requests, of which MaxFileSystems may be FS; ROOT mounts three
// file systems more. The pages of a tmpfs are charged to the process that writes them (memory cgroups). A
// limit on the size of each tmpfs would limit nothing, since there may be many. The kernel limits the mounts
// of a namespace (fs.mount-max, since Linux 4.9).
//
// Order. Before ROOT the broker accepts only ROOT and HOSTNAME. It ends after PIVOT, and after a ROOT that
// failed, which leaves the host's root as "/". The payload is executed when its socket is closed. It has one
// thread and completes a request before it reads the next.
//
// Time. A broker ends if it receives nothing for ten minutes. If the launcher has ended (it may have been
// killed while the first process was stopped: TestStoppedAtFirstInstruction), it answers no request
// and ends within a second, unless a file system of the user's delays it (see "Kinds of descriptors"): root's
// processes do not count in any limit of the user's, but the launchers do. A broker that still runs can do
// nothing that a new one could not.
//
// # Kernels without the newer calls
//
// Without mount_setattr(2) (before Linux 5.12, or under a filter of the caller's) the flags of one mount at a
// time are changed. A BIND fails then, unless the first process says that the topmost mount suffices (TopOnly).
// It has the tree bound to a directory or file below base, finds the mounts below in mountinfo, as in direct
// mode, and sends a RESTRICT for each. Then it has the result bound to its destination: a bind keeps the flags
// of the mounts that it copies. A mount that the first process leaves out is without nosuid, which gains
// nothing: see "Set-user-id files". It is also writable, if it was: setuid.conf can refuse all writable binds
// only from Linux 5.12 on.
//
// # What an attacker can still do
//
// The launcher belongs to the user from its exec on, and has root's saved uid until it drops it. Like
// every set-user-id program it can be stopped there. It has read nothing by then, and continues in
// the same way.
//
// The keeper is cloned when all its uids are 0 and its capabilities are those in Kept. Only root can
// stop it, except with Ctrl-Z on the terminal before its first instruction, which blocks signals. It
// then holds its capabilities while it is stopped, until the kernel continues its process group, which
// is orphaned.
//
// # Reading order for an audit
//
//  1. entry and enterLauncher (sandbox/child) look only at the auxiliary vector. AT_SECURE is 0 unless
//     the start changed privilege.
//  2. keeper.Split lowers the effective uid first. Then isInstalled looks at the binary. With anything but a
//     regular file, setuid root, without set-gid bit and without file capabilities, all privilege is dropped.
//     The reason for the message is found out after that, in package child ([InstallKind]).
//  3. forkKeeper sets root's ids and the capabilities in [Kept], and clones. The launcher then drops
//     everything; isDropped asks the kernel to confirm it.
//  4. runKeeper reduces itself, waits for the header, applies setuid.conf, makes the namespaces with
//     their maps, and clones the first process.
//  5. becomeFirst is that process until it belongs to the user. It then returns through runKeeper and
//     Split, which thus returns twice, to enterLauncher and continueStart (sandbox/child), which calls
//     RunUnderKeeper (sandbox/child/first). That reads the plan, without privilege.
//  6. broker.Serve carries out the requests.
//
// "make privileged-lines" lists and counts all functions that can run with privilege.
//
// # Ids and capabilities of the keeper
//
// "Kept" is the constant [Kept], "owner" the id of the next section. The real and the saved uid are root's
// until setIDs. The effective and the permitted set are equal.
//
//	what is done                      effective uid   capabilities
//	forkKeeper: before the clone      0               Kept
//	reduceSelf                        0               Kept, then Kept without CAP_SETPCAP; no bounding set
//	receiveHeader, readConf           0               the same
//	chooseOwner                       0 to owner      the same (setEUID makes them effective again)
//	makeUserNS                        owner           the same
//	  its child, in the namespaces    owner           all over its user namespace, none over the host
//	  writeMaps                       0               the same as before
//	enterNamespaces: unshare          owner           the same; the fsuid is the user's, who owns a new mqueue
//	prepareMounts                     owner           the same
//	clone of the first process        owner           the same
//	  mount of the new proc           owner           the same
//	  setns: the user namespace       owner           all over the user namespace, none over the host
//	  setIDs, SetCaps                 the user's      none
//	setEUID(0)                        0               the same as before the clone
//	becomeBroker, Serve               0               CAP_SYS_ADMIN
//
// For a caller with a reserved id, and where the owner id is not mapped, "owner" is 0 in all rows.
//
// # The owner of a user namespace
//
// A user namespace is owned by the effective uid of the process that created it. A process outside,
// in the parent namespace, that has this effective uid has all capabilities in the namespace
// (user_namespaces(7)). It may enter it with setns(2) and take any id that is mapped there,
// including the uid of the sandbox's user.
//
// So the keeper has all namespaces of a launch made under the id that [Owner] derives from the caller's uid:
// one of 65525 ids, 4294901768 to 4294967292, that no account has. There is always a user namespace, since it
// locks the mounts: the sandbox's mount namespace belongs to it. Without --unshare-user it has no maps, and no
// process remains in it. The other namespaces belong to the host's user namespace.
//
// With --unshare-user the command is in the user namespace that owns its mount namespace, as in direct mode. To
// change a mount it would need a capability there. It has none and gets none: the bounding set is empty, and
// no_new_privs is set.
//
// An attacker needs a process outside whose effective uid is the owner. These are the ways to get
// one, and what prevents each:
//
//   - An account with the id. The administrator must make sure that there is none (SECURITY.md). The
//     keeper refuses callers whose uid or gid is [Reserved], so that such an account does not also own
//     the namespaces of its own sandboxes.
//   - A subordinate id, from /etc/subuid or a directory service. A process in the user's own user
//     namespace is not in the parent namespace, and so owns nothing. But a set-user-id file made
//     there gives the id, outside, to every process that executes it. So the range lies above
//     FreeIPA's (2147483648 to 4294901767) and far above shadow's and systemd's. Here, too, the
//     administrator must prevent the rest.
//   - An id that several users share. Uids below 61440 have an owner id of their own. All others,
//     including all subordinate ids, share 4085. Sharing does not give a process with the id; only the
//     kernel's counts and limits per owner are shared (user.max_* of namespaces(7), RLIMIT_NPROC).
//   - A process that has the id. The keeper has it as effective uid while it makes namespaces, and so has
//     its child until it ends, and the first process until it takes the user's ids. All have root's as real
//     and saved uid, and run only code that "make privileged-lines" lists.
//   - A file with the id. None is created while a process has it.
//   - Root inside. No id but the user's is mapped.
//
// The kernel counts namespaces per owner (user.max_* of namespaces(7)). If root owned them, one user could
// use up what root's services need: a descriptor is enough to keep a namespace.
//
// In a container that does not map the id the sandbox gets no user namespace, and the keeper says so. It
// never falls back to another id. There, and for a caller with a reserved id, root owns the other
// namespaces and the one for the locks.
//
// # Building
//
// The files *_unsafe.go run without the Go runtime: see package child for their laws.
//
// The build tag nosetuid leaves the mode out. Such a binary refuses to run if it has a set-id bit.
package suid
