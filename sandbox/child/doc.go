// Package child has the entry points of a launch, and what the launcher does before there is another
// process: it finds out in which way the program was started, has the command line read and a plan
// made (package args), starts the sandbox as its monitor, and becomes a Go program where a text, a
// heap or another program is needed. Go code reads here what the launcher has found out
// (front_unsafe.go).
//
// # Packages
//
// Each has one subject, and imports only those below it:
//
//	child      the entry points, the launcher, the way into the Go runtime
//	args       the command line: words in, a plan out
//	monitor    the process that waits: starts, watches, reports, ends
//	first      the first process: walks the plan
//	pid1       init
//	payload    the payload's process, until its exec
//	landlock   the payload's Landlock domain
//	launch     what they share: state, the feed, a plan on its way
//
// State of one process lies in the package of that process: monitor.State, payload.state, args.state.
// What a clone needs of its parent lies in package launch, and is written before the clone.
//
// # A launch
//
// The program's ELF entry point is [entry], not the Go runtime's. In a process that has one
// thread, no heap and no signal handler, the launcher reads the command line (package
// cmdline), makes the plan (package compile), clones the sandbox's first process, and waits
// as its monitor. A launch that succeeds never starts the Go runtime:
//
//	exec ─▶ entry: parse, compile ─▶ monitor: waits, passes the status on
//	                                   │            ▲ faults, in numbers
//	                                   │ clone(namespaces)
//	                                   └──▶ first process: walks the plan
//	                                          └──▶ payload (the same process if there is no init)
//
// So what the payload inherits (limits, dispositions, masks, descriptors, memory) was never
// changed by the runtime, and the monitor has no handler for any signal. A binary that was
// linked without the entry point (-ldflags=-E=…) says so and stops.
//
// Two things of the caller's do not reach the payload: SIGCHLD has its default action
// and is unblocked.
//
// # Becoming Go
//
// Whatever needs texts, a heap or other programs takes the runtime. Then the launcher forks,
// and the fork becomes a Go program, the front end:
//
//   - A mistake in the command line, --help, --features, --doctor: the front end
//     prints the text and ends. (The parser reports all of these as faults; NeedsGo is about
//     command lines without a fault.)
//   - A launch that has failed, or a warning: the front end finds the fault or the warning in
//     memory, prints its text, and ends (forkToReport, [LaunchHeard]).
//   - --dry-run, --explain, warnings about the command line, profiles that gobwrap-seccomp
//     compiles, several ids and SELinux labels: the front end parses the same arguments again,
//     compiles, and hands the plan to the monitor.
//
// In the last case the processes are these:
//
//	exec ─▶ entry ──fork──▶ front end: Go runtime, parse, compile ─▶ exits at the payload's exec
//	          │                 │ plan                  ▲ faults, in numbers
//	          ▼                 ▼                       │
//	        monitor ◀───────── socket ──────────────────┤
//	          │ ▲                                       │
//	          │ └── feed: status up ─────────────┐      │
//	          │ clone(namespaces)                │      │
//	          ├──▶ first process: walks the plan ┴──────┤
//	          │      └──▶ payload (own if init) ────────┘
//	          └── waits, passes the status on
//
// What has been read from descriptors by then is not read again ([Words]). The caller's
// process never becomes a Go program.
//
// In the front end the death signal is armed, signals are blocked, standard error is
// /dev/null (the front end knows where the real one is), and variables that the runtime would
// obey are hidden until it is asked for the environment. The other processes inherit nothing
// of this.
//
// # Set-id
//
// A set-id start has one process more, the keeper (package suid). It is forked, and the
// launcher's privilege dropped, before the first word of the command line is read, and without
// any Go code that a package's init could run:
//
//	exec ─▶ entry ──fork──▶ keeper: waits for a header, or for the end of its socket
//	          │                │
//	        drop, parse,       │ clone, as the launcher's child, where the kernel refuses
//	        compile ─▶ monitor │ direct mode; then it is the broker
//	          │                ▼
//	          └── plan ──▶ first process ─▶ payload
//
// The launcher tries direct mode, and lets the keeper go before the payload may start. Where the
// kernel refuses a user namespace it compiles a second plan, and sends the keeper a header. The
// first process that comes of it reads the plan from the same socket, which is the feed from then
// on (startThroughKeeper in package monitor, RunUnderKeeper in package first). It is a clone of
// what the launcher was when it had read nothing: what it must know of the launcher comes with the
// plan.
//
// # Plan mode
//
// A Go program that starts sandboxes (package sandbox) is the front end itself, and goes on:
//
//	embedding program: Go, its runtime, its threads
//	  │ exec, as PlanWord          ▲ faults, in numbers
//	  ├── socket: the plan ──▶ monitor ──▶ first process ──▶ payload
//	  └── lifeline: a socket ▶ monitor: the embedding program has gone, or wants the end
//
// There are three ways into it. The launcher's entry sees the name, PlanWord, and does not
// fork a front end. [hostEntry] does that in a program that was linked with it, and otherwise
// starts the runtime at once, with nothing changed. And a program that was linked like any
// other program starts itself by the name: package self is initialised before all but the
// runtime's own packages, and calls [resumed], which leaves the runtime for good
// (self_unsafe.go). What the runtime has done by then is undone: its threads are ended by a
// signal whose handler is the system call exit, its handlers and the signal mask are taken
// back, its descriptors closed; it has not lifted the limit on descriptors yet, which
// package syscall does. Its memory stays, untouched.
//
// The monitor then ends as the payload did, by the same signal if it was one, and only when
// the first process has been waited for. Of set-id installations see package suid: the
// keeper is there, and privilege dropped, before the first byte of the plan is read.
//
// # The feed
//
// The feed is a pair of sockets between the monitor and the processes below it, apart from the
// socket on which faults are reported. Its words:
//
//	word        from               meaning
//	1           first process      announce: it exists; the kernel translates its pid, which it
//	                               has made the owner of the fault socket (F_SETOWN, F_GETOWN)
//	reached     first process      a tentative plan has come to OpGo
//	begun       payload's process  set-up is over
//	stopped     init               the payload has stopped, or goes on, where its signals are
//	                               scoped; the monitor does the same (stopSelf)
//	ended       init               the payload's status, and whether init ends too; with --usage,
//	                               what the payload has used follows
//	placeholder first process      with --protect: the word (placeholder.Word) has the length of its
//	                               name, which follows (package monitor)
//	a byte      monitor, down      the keeper is gone (awaitKeeperGone)
//
// With --timeout the kernel tells the monitor the pid of the sender of begun, which is the
// command's (SO_PASSCRED). From then on the monitor waits no longer than the clock allows
// (package monitor), by ppoll(2) and without a signal handler. The feed also shows a process below
// whether the monitor is still alive, since getppid does not, across PID namespaces.
//
// # Every wait has an end
//
// Any process may be killed while another one waits for it. So each waits for a child, or
// for the end of a socket or pipe whose other ends are held only by processes that cannot
// outlive the one that it waits for:
//
//   - The front end waits for the end of its socket; without a front end the monitor does. The
//     keeper is older than that socket, and has no copy.
//   - The first process waits for the broker's answers, and the broker for requests: each sees
//     the other one's end. The monitor waits for the broker when set-up is over, or the first
//     process has ended.
//   - The monitor waits for the first process to come to OpGo, where a plan is tentative. If
//     the feed ends instead, it says MsgOver on the socket; without that the front end would
//     wait for a fault of the first process's, and the monitor for another plan.
//   - The first process waits for the keeper to be gone (awaitKeeperGone), and for the front
//     end's byte (OpGo, maps); the payload's process for init, with which it dies.
//   - The monitor waits for the front end, then for the word that set-up is over
//     (requireSetUp), then for the payload. If the feed ends before that word, the launch has
//     failed, and the monitor reports the signal.
//
// At the end the monitor reaps an init that ends with the payload, and leaves one that
// others in the sandbox keep alive. TestCampaign in tests/e2e kills and stops each process
// at each of its calls.
//
// # Why the first process is forked
//
// Without an init the first process could be made as posix_spawn(3) makes one, with
// CLONE_VM and CLONE_VFORK: it would share the launcher's memory until its exec. It is forked
// nevertheless, because little is gained. A launcher without a runtime has written some 30
// pages when it clones, so there is not much to copy. Measured with a static C program of the
// launcher's size, which clones into a new user and mount namespace and executes an empty
// static program, to the end of that (fewest of 600, Linux 6.18, a virtual machine): 429 µs
// forked, 363 µs shared; without namespaces 351 and 300 µs. A whole launch of /bin/true takes
// 2660 µs there, so this is 2 percent of it, and some 6 of its 80 page faults.
// Where a fork costs more, more would be gained, but the price is the same:
//
//   - The launcher would sleep until the exec, and not stop with its job: after Ctrl-Z the first
//     process stops, its parent cannot, and the caller's shell waits for both. It would hear
//     neither warnings nor the end of a wait (--block-fd) until then.
//   - Being dumpable is a property of the memory (PR_SET_DUMPABLE(2const)). The launcher would
//     become undumpable with the first process, and its files in /proc root's.
//   - What the first process stores, the launcher finds: closed descriptors in its memory, and
//     addresses in the plan, by which a failed launch is explained. A process that is killed
//     in the midst of a store would leave half of it.
//   - With an init, a lock or a report it does not work at all: init never executes anything, and
//     the launcher has to speak before the exec.
//
// # Init and the start barrier
//
// Where there is an init, it forks the payload and shares a page with it, the start barrier, at
// which the payload waits. The bounding set has been cut for both before the fork: the kernel
// offers nothing cheaper than a call for each capability. A Landlock domain with scopes is for
// both, too. Before init opens the barrier, it has, in this order, closed all descriptors but the
// feed and the sync fds (and the front end's socket, for faults); given up its capabilities; taken
// the locks; settled its death signal; closed that socket; installed the payload's filters in
// itself. It opens the barrier by a store: the filters may refuse any system call, so the payload's
// process naps and looks again. Only where there is no filter at all, the caller's included, does
// it wait to be woken (futex(2)). A filter that init could not install is the payload's fault to
// report.
//
// Nothing is dumpable between set-up and the payload's exec, and init stays so: its
// memory belongs to the user namespace outside. The exception is a payload without
// capabilities in a user namespace: see lockDown in package pid1.
//
// # The laws of code without a runtime
//
// They hold here and in every file of another package that says "No runtime" in its first
// comment: in mounts/build, suid, internal/raw, internal/step and internal/plan, and with bounds
// checks in internal/cmdline, internal/compile, internal/emit, internal/tree, internal/policy, internal/flat,
// internal/setting, internal/version, idmap and seccomp.
//
//   - No call into the runtime: no allocation, no growing stack, no map, string
//     building, interface, closure, defer, panic. Only such files, and raw system calls.
//     (TestLaws walks the compiled call graph.)
//   - No bounds check that could panic: loads go through checked offsets, indexes
//     are masked. (TestLaws: runtime.panicIndex and the like are runtime calls.) The parser,
//     the compiler, the reader of policy.conf and package args do have bounds checks, which run
//     while there is no first process: one that fails ends the launcher by a signal
//     (TestFailedCheckEnds).
//   - No pointer is stored to memory: integers and bytes only, so there is no write
//     barrier. (TestLaws: runtime.gcWriteBarrier.)
//   - Every loop is bounded by the plan, by the kernel's answer, or by a constant.
//   - The stack is the process's own, of RLIMIT_STACK; the g that compiled code
//     expects is a zeroed dummy whose stack guard is 0, so the check in front of a
//     function always passes and runtime.morestack is never reached. (TestLaws bounds
//     the stack: 8 KiB in all.) What is larger is static memory (state_unsafe.go of each package), and each
//     buffer belongs to one function or one group of them.
//   - A function returns the fault of a step; State.End (package step) sends it as a plan.Message
//     and ends the process. Messages are formatted where there is a runtime.
//   - A switch of eight cases or more that every launch comes through has no tag: it is written
//     "switch { case x == A: …". With a tag the compiler makes a jump table, which costs a page
//     fault in each process. (TestUsage in tests/counts bounds the page faults.)
//
// What all this assumes of the Go release (where the g is, what the runtime reads and
// changes at its start) is one list, in runtime_test.go, whose test names what a release
// has changed.
//
// The laws are tested on the linked program and not enforced by go:nosplit, whose
// chains may have some 800 bytes of stack. TestLawsCatch breaks each of them and
// requires that it is noticed.
package child
