// Package sandbox runs commands in sandboxes, as package os/exec runs them without.
//
//	c := sandbox.Command("make", "test")
//	c.Spec.Files = append(mounts.System(), mounts.Proc("/proc"), mounts.ReadWrite(dir))
//	c.Dir = dir
//	out, err := c.CombinedOutput()
//
// A [Cmd] has what Go programmers know: streams, pipes, Env, Dir, ExtraFiles, contexts,
// [ExitError]. Its [Spec] describes the sandbox. The zero Spec is the tightest: an empty root,
// namespaces of its own, no capability, and not the caller's terminal. Everything in the
// sandbox has been put there by the Spec, in the order of its Files (package mounts). The
// command line of gobwrap is a parser for it: what an option says about the sandbox, a field can say.
//
// # Errors
//
// Start returns when the command runs. What fails before that is a [*SetupError]: the step,
// the field that asked for it ("Files[5]", "Cmd.Dir"), the path, and an error for which
// errors.Is(err, fs.ErrNotExist), exec.ErrNotFound, unix.EPERM and the like work. Where the
// kernel refuses user namespaces errors.Is(err, [ErrUserNamespaces]) holds; package
// sandbox/doctor reports why, and how to fix it.
//
// A field that is not valid ("Files[5].Source: must not be empty") is an error before anything
// is started, and so is one that would have no effect. What may be left out has a type whose
// zero value is "not given" and which only a function fills: [SetID], [SetText], [SetFD].
// Operations on files are made by the functions of package mounts.
//
// # Files
//
// The command gets its standard streams and ExtraFiles, and no other descriptor of this
// program, not even those without close-on-exec. Options that take a descriptor, such as
// Report.InfoFD, take its number as the launcher sees it: 0 to 2, and 3+i for
// ExtraFiles[i]; [Cmd.Pass] adds a file and returns the number. The command does not get
// these descriptors; their numbers are not in use inside.
//
// # The end
//
// The process that Start makes is the sandbox's monitor. It ends like the command, with its status
// or by its signal, after all processes of the PID namespace: no process is left in the background.
// [Cmd.Kill] and a cancelled context end the command and then the other processes, and Wait returns
// when none is left. ProcessState then still has the times and the memory of the command and of
// the children that it has waited for. Process is the command, and [Cmd.Signal] sends it a signal,
// so that it can be asked to end as with package os/exec:
//
//	c.Cancel = func() error { return c.Signal(syscall.SIGTERM) }
//	c.WaitDelay = 10 * time.Second
//
// With Limits.Timeout the monitor ends the sandbox by itself, also when this program is busy or
// stopped; Wait returns an error that is [ErrTimeout].
//
// During set-up, the sandbox ends when this program ends. While the command runs, it does so only
// with Session.DieWithParent. The monitor notices the end by a socket that this process holds, so
// the end of the thread that called Start does not matter.
//
// # The launcher
//
// A sandbox is made by processes without a Go runtime (package child), and never by a fork of
// this one: to fork a program with 2 GiB of heap takes 116 ms before anything is done, with
// 10 MiB 0.6 ms, while whole launches take 4 to 9 ms, whatever the heap. Start executes a
// launcher, as os/exec does, and hands it the plan. That is, in this order:
//
//   - Cmd.Launcher, a gobwrap binary;
//   - for an ordinary user, a gobwrap in PATH that is installed set-user-id root, since it
//     alone works where the kernel refuses user namespaces (Spec.Mode);
//   - this program itself, from /proc/self/exe. Nothing needs to be installed. It is best
//     linked with -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.hostEntry (without
//     cgo): then the launcher's code runs before the runtime starts, and is as fast as gobwrap.
//     Otherwise the runtime starts, and is left again before any other package is initialised,
//     which takes one or two milliseconds more, and three with C libraries;
//   - a gobwrap in PATH, for programs that cannot start themselves: those built with
//     -race, -msan or -asan, whose code calls the detector everywhere, and Go code that is
//     a library of another program.
//
// A program whose file gives it privileges (a set-id bit, capabilities) must set Cmd.Launcher. If it
// started itself, any user could run it as a launcher with these privileges, and a gobwrap in PATH
// would be the caller's choice. Such a program refuses to run as a launcher.
package sandbox

// What happens:
//
//	Spec ──compileFor(facts)──▶ plan.Program ──▶ launcher: monitor, child, payload
//
// A Spec is plain data: what the caller wants, on any machine. compileFor turns it, with the
// facts of this machine, into a plan: flat bytes in which every decision has been taken;
// Cmd.Plan lists it. The plan goes to the acting side, package child, whose faults are
// numbers and become errors here. Data flows down only. The launcher's own front end,
// cmd/gobwrap, goes the same way by front.Exec: there this process is one whose parent has
// become the monitor already, and it ends when the payload runs.
//
// What holds in every run, and which tests check it, is in docs/ARCHITECTURE.md.
//
// Capability names are a table in package idmap, compared with gocapability in its
// tests; that package itself reads /proc at every start.
