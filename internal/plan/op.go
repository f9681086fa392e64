package plan

// Op is what a step does.
type Op uint16

// The operations. The comment gives the operands; dst is always a path in the
// new root, resolved there and nowhere else; parents is the mode of directories
// that must be made on the way.
const (
	opNone Op = iota
	// A fd, B namespace type (CLONE_NEW*, checked by the kernel): enter a namespace, setns(2).
	OpSetns
	// A uid_map text, B gid_map text: write this process's maps, and deny setgroups(2) in between, without
	// which the kernel refuses gid_map to a process without privilege (user_namespaces(7)). With
	// FlagOutside another process writes them: several ranges need privilege outside.
	OpIDMap
	// A CLONE_NEW* flags: leave these namespaces for new ones, unshare(2).
	OpUnshare
	// Bring the loopback interface up: in a new network namespace it is down (network_namespaces(7)).
	OpLoopback
	// Stop mounts from propagating to the host. Mounts that the host makes later still arrive inside, as
	// with bwrap.
	OpSlave
	// A path, or 0, and then B fd: open what a later step shows. FlagTry, FlagConsole. G must be 0; the
	// process that opens the source keeps the fd there.
	OpSource
	// Build the frame: an empty tmpfs, with the old root set aside.
	// Sources are looked up before it, destinations after it.
	OpRoot
	// A index of the OpSource, B dst, C MS_* flags to add, E parents. Flags that the source's mounts have stay.
	OpBind
	// A kind (Mount*), B dst, C label, D mode, E parents, F and G
	// size in bytes, low and high half; 0: the kernel's default.
	OpMount
	// A first OpSource, B dst, C number of lower layers, D kind
	// (Overlay*), E parents. Its sources follow each other.
	OpOverlay
	// B dst, D mode, E parents. A directory that is there keeps its mode, as with bwrap.
	OpDir
	// A fd, B dst, D mode, E parents: copy what can be read from the fd into a file.
	OpFile
	// A fd, B dst, C MS_* flags, D mode, E parents: bind a file
	// of a tmpfs, which has no other name, with what can be read.
	OpData
	// A target, B dst, E parents. The same link may be there already.
	OpSymlink
	// B dst, D mode
	OpChmod
	// B dst: one mount, not those below it, as with bwrap.
	OpRemountRO
	// A OpSource of the host's proc, or 0 for a new one; B dst, E parents. FlagCover, FlagOrBind, FlagOrNone.
	OpProc
	// Leave the old root permanently. No step after it can
	// reach a file of the host that is not in the new root.
	OpPivot
	// A name, at most 64 bytes (sethostname(2)).
	OpHostname
	// Allow one more user namespace below this one, and none below
	// that: the kernel counts a namespace in all that are above it.
	OpLimitUserns
	// Prove that no further user namespace can be made, by trying: a limit may be set in several places.
	OpNoUserns
	// payload: A path, B PWD string. With FlagTry the next OpChdir is tried after a failure; once one has
	// succeeded, the others do nothing.
	OpChdir
	// A fd: wait for a byte or the end.
	OpWaitFd
	// The namespaces and the frame are there: report them, and wait for the go-ahead.
	OpGo
	// Start a session, setsid(2): the caller's terminal is then not the controlling terminal of the payload.
	OpSetsid
	// A whose label (Label*), B label, or 0 for the default.
	OpLabel
	// payload: tell the front end its pid. A failure is not a fault.
	OpTell
	// A, B bounding set to keep; C, D permitted and effective; E,
	// F inheritable and ambient. Each is a low and a high half.
	OpCaps
	// payload: enter a Landlock domain. A scopes to have, B those to have where the kernel can. In setuid
	// mode without a user namespace the domain also prevents tracing of processes outside.
	OpFence
	// init: A path: take a read lock.
	OpLock
	// A filter, B number of its instructions, of 8 bytes each.
	OpSeccomp
	// A uid, B gid, or SameID: switch to these ids (setresuid(2))
	// and keep the capabilities, which set-up still needs.
	OpBecome
	// Give up the supplementary groups: needs CAP_SETGID and a namespace that does not deny setgroups(2).
	OpGroups
	// A uid_map text, B gid_map text: enter a user namespace below this one. A helper that stays in this one
	// writes the maps, since a process may not write a map of several ids for itself.
	OpNest
	// Become the command: the last step of every plan.
	OpExec
	// A text: write the first process's oom_score_adj, which
	// init and payload inherit (proc_pid_oom_score_adj(5)).
	OpScore
	// payload: A first, B last: close these descriptors,
	// except for the acting side's own, which the exec closes.
	OpClose
	// monitor: A milliseconds until the command is asked to end,
	// B milliseconds after that until everything is killed.
	OpTimeout
	// monitor: A fd: the cgroup in which the first process starts (CLONE_INTO_CGROUP, since Linux 5.7).
	OpCgroup
	// payload: A kind of setting (package setting), B its values, C how many, of 8 bytes each.
	OpSet
	// B dst: nobody can open it. FlagTry, FlagGlob.
	OpMask
	// B dst: read-only, and held where it is. If it is missing, an empty placeholder keeps it so: a
	// directory if A is 1, otherwise a file. FlagTry, FlagGlob.
	OpProtect
	// A path: an exception to ScopeSockets, for sockets there and below. It does nothing by itself: OpFence
	// collects these steps, since a Landlock domain cannot be widened afterwards.
	OpSocket
	// NumOps is the number of operations; the numbers of
	// operations are a plan's own and differ between versions.
	NumOps
)

// Step flags.
const (
	// FlagTry: what does not exist is skipped (OpSource, OpMask, OpProtect); an OpChdir may fail, and an
	// OpBecome with EINVAL: the id is not mapped.
	FlagTry = 1 << iota
	// FlagBounding: OpCaps cuts the bounding set.
	FlagBounding
	// FlagLenient: OpCaps forgives EPERM from capset.
	FlagLenient
	// FlagCover: the sandbox's root user is the host's, which can write what covers protect:
	// OpProc covers it without asking.
	FlagCover
	// FlagOrBind: an OpProc whose new proc the kernel refuses binds its source instead.
	FlagOrBind
	// FlagOrNone: it leaves the directory empty.
	FlagOrNone
	// FlagConsole: the OpSource is a terminal named by its fd and may be missing.
	FlagConsole
	// FlagOutside: the front end writes the maps of an OpIDMap, from outside of the new
	// user namespace, and says when they are there.
	FlagOutside
	// FlagGlob: the path of an OpMask or an OpProtect is a pattern (package flat).
	FlagGlob
)

// Kinds of mounts (OpMount, A). Type, flags and options are the acting side's own.
const (
	// D is its mode, F and G its size.
	MountTmpfs = iota
	// A new instance: the host's terminals are not in it (devpts is always new since Linux 4.7).
	MountDevpts
	// The message queues of the IPC namespace (mq_overview(7)).
	MountMqueue
	numMounts
)

// Scopes (OpFence): what the payload reaches in processes inside only. The first two bits are
// Landlock's.
const (
	// Connecting and sending to abstract Unix sockets: LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, since Linux 6.12.
	ScopeAbstractSockets = 1 << iota
	// Sending signals: LANDLOCK_SCOPE_SIGNAL, since Linux 6.12.
	ScopeSignals
	// The same as the first for sockets with a path, except for those of OpSocket.
	// It is a right of files, not a scope, for the kernel; since Linux 7.1.
	ScopeSockets
	numScopes = iota
)

// Labels (OpLabel, A).
const (
	// The payload's process, from its exec on.
	LabelExec = iota
	// Files and directories that set-up makes by itself.
	LabelNew
	numLabels
)

// Kinds of overlay (OpOverlay, D).
const (
	// Changes are kept. After the lower layers stand two more sources: upper and work directory.
	OverlayRW = iota
	// Changes go to upper and work directory on an invisible tmpfs, and are lost at the end.
	OverlayTmp
	// There is no upper directory. overlayfs then wants two
	// lower layers, which is checked when options are read.
	OverlayRO
)

// What the descriptor of an OpCgroup is (Message.Extra).
const (
	// Not a cgroup at all.
	CgroupNone = iota
	// A cgroup of version 2, which is what is wanted.
	CgroupDirectory
	// A file in a cgroup: the caller has opened cgroup.procs, say.
	CgroupFile
	// A cgroup of version 1: a process cannot be started in it.
	CgroupOld
)

// Sub says which part of a step failed.
type Sub uint32

// Parts of steps.
const (
	// SubMain is the system call that the step is about.
	SubMain     Sub = iota
	SubParents      // a parent directory of the destination could not be made or entered
	SubMakeDir      // the destination itself, as a directory
	SubMakeFile     // the destination itself, as a file
	SubSource       // the source
	SubRemount      // flags of a mount
	SubSubmount     // flags of a mount below a bound one
	SubRead         // reading the data fd
	SubWrite        // writing data
	// Of an OpIDMap, OpNest or OpBecome.
	SubUIDMap    // uid_map
	SubSetgroups // setgroups
	SubGIDMap    // gid_map
	SubProc      // the host's /proc
	// The file of an fd is no longer there, or its path leads to
	// another file: what is bound must be what the caller opened.
	SubRace
	SubExists    // the symlink's place holds something else: Text, if it is a link
	SubNoMount   // no mount point
	SubPivot     // pivot_root
	SubTmpfs     // mounting the frame's tmpfs
	SubBounding  // prctl(PR_CAPBSET_DROP)
	SubAmbient   // prctl(PR_CAP_AMBIENT)
	SubClone     // clone itself
	SubMagicLink // a magic link on the way to the destination
	// Something succeeded that had to fail, such as a user namespace for OpNoUserns.
	SubUnexpected
	SubPlan        // the plan was refused by Verify (Extra is the reason), or could not be taken
	SubNoNewPrivs  // prctl(PR_SET_NO_NEW_PRIVS)
	SubDeathSignal // prctl(PR_SET_PDEATHSIG)
	// Protecting init from the payload (PR_SET_DUMPABLE): without that the payload could trace init.
	SubSeal
	SubCover    // covering parts of proc
	SubFallback // a new proc, which was done without (a warning)
	SubRefused  // setuid mode does not do this: Extra is what suid.Extra packs, a suid.Reason and a feature
	SubConf     // the administrator's setuid.conf: Extra is the line, or 0
	SubKeeper   // the keeper's own preparations
	SubSlave    // making the host's mounts slaves, in the keeper
	SubInstall  // how the launcher is installed: Extra is a suid.InstallKind
	// pivot_root, where the root is the kernel's first file system, which pivot_root(2) cannot leave.
	SubRootfs
	// The host's threads could not be ended (package child, takenOver). No step is concerned.
	SubThreads
	// What is wrong with the command of an OpExec, or with its interpreter: Text is the file.
	SubScript        // Text, which a "#!" line names, does not exist
	SubLoader        // Text, the loader of an ELF file, does not exist
	SubNoShell       // Text has no "#!" line, and /bin/sh does not exist
	SubDirectory     // a directory
	SubNoExec        // on a mount with noexec
	SubNotExecutable // no permission to execute it
	SubNoProgram     // a device, a FIFO, a socket
	// What an OpMask or an OpProtect met: Text is the file.
	// Text, a directory in which there may be matches, cannot be read. To skip it would leave a match open.
	SubUnread
	SubHeld        // Text, on the way to the destination, could not be held where it is
	SubPlaceholder // Text, which stands for what is missing, could not be made
	// Text lies on a file system that has no user extended attributes, with which a placeholder is marked.
	SubMark
	SubFile // Text, a match

	SubNoMatch // nothing matches the pattern
	SubTooMany // more than MaxMatches files match it
	SubWhole   // the destination is the sandbox's root
	// An overlay, without which a capability of the payload's
	// (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH) opens masks.
	SubShield
	SubHolders // there are too many placeholders
	// Without a PID namespace and an init nobody knows when a placeholder is no longer needed.
	SubNoEnd
	// The administrator's policy.conf.
	// It does not permit this: Extra is the verdict (package policy), Text the option that it is about.
	SubPolicy
	// It is not root's alone, or Extra is the line that can't be understood. Nothing is launched then.
	SubPolicyFile
)

// kind is how an operand is checked and printed.
type kind uint8

const (
	// Must be 0: a number that no process reads is a mistake of the maker.
	unused kind = iota
	str         // arena offset of a string
	path        // the same, printed as a path in the new root
	host        // the same, printed as a host path
	// A file descriptor. Whether it is open is asked by the step that uses it.
	fd
	num // any number
	// A uid or gid, or SameID. Only the kernel knows whether the user namespace maps it.
	ident
	octal   // a mode
	msflags // MS_* flags
	nsflags // CLONE_NEW* flags
	// Index of an OpSource, which must come earlier.
	source
	// The same, or 0 for none. No compiled plan has a source as step 0: OpSlave comes before all of them.
	maybeSource
	filter  // arena offset of BPF instructions, counted by the next operand
	overlay // kind of overlay; needs as many sources as it says
	// Half of a capability set; the other half is the next operand.
	mask
	// Written by the process that executes the step. It must be
	// 0 before: a number here would be taken for a descriptor.
	slot
	// Arena offset of a label: at most MaxLabel bytes, without what would end the quotes around it.
	label
	mountKind // kind of mount
	labelKind // kind of label
	size      // low half of a size; the high half is the next operand
	sizeHigh  // printed with the low half
	values    // arena offset of numbers of 8 bytes, counted by the next operand
	more      // printed with what stands in front
	// Scope* bits; others are the kernel's to refuse, since a later kernel may have more.
	scopes
)

// phase is where in a plan an operation may stand; see the package comment.
type phase uint8

const (
	inSetUp phase = iota // [Join, Setup)
	// [0, Setup): it may also come before the first process is cloned. A process that
	// enters a PID namespace stays outside; only its children are in it (setns(2)).
	beforeClone
	// In set-up, before OpRoot: paths of the host can still be looked up.
	beforeRoot
	// Between OpRoot and OpPivot, while the new root is built.
	inRoot
	// [Setup, N), but not as the last step: after the fork of the payload, if there is an init.
	inPayload
	// As the last step, which does not return.
	atEnd
)

// opInfo describes an operation, for all code except for the function that carries it out.
type opInfo struct {
	// The name in listings and in "stage" of reports, which callers may read: changed only with care.
	name  string
	phase phase
	// The kinds of A to G, by which Verify checks and Dump prints.
	operands [7]kind
	// Names of the operands in listings; "" for one that is printed without a name, or not at all.
	labels [7]string
	// The step flags that may be set. Verify refuses others, so that no flag is ignored silently.
	flags uint16
	// What has failed, with operands in braces (see Sentence). What bwrap can fail at too is worded as there,
	// since callers match these texts. It is "" where package fault makes the text from the details.
	fault string
}

// ops is the one table of operations: Verify checks by it, Dump and Sentence print by it.
//
//nolint:gochecknoglobals // read-only table
var ops = [NumOps]opInfo{
	OpSetns:       {"setns", beforeClone, [7]kind{fd, nsflags}, [7]string{"fd", "type"}, 0, ""},
	OpIDMap:       {"idmap", inSetUp, [7]kind{str, str}, [7]string{"uid_map", "gid_map"}, FlagOutside, "setting up uid map"},
	OpUnshare:     {"unshare", inSetUp, [7]kind{nsflags}, [7]string{"flags"}, 0, "Creating a nested user namespace failed"},
	OpLoopback:    {name: "loopback", phase: inSetUp, fault: "loopback: Failed RTM_NEWADDR"},
	OpSlave:       {name: "slave", phase: beforeRoot, fault: "Failed to make / slave"},
	OpSource:      {"source", beforeRoot, [7]kind{host, fd, 6: slot}, [7]string{"path", "fd"}, FlagTry | FlagConsole, "Can't find source path {A}"},
	OpRoot:        {name: "root", phase: inSetUp, fault: "Failed to mount tmpfs"},
	OpBind:        {"bind", inRoot, [7]kind{source, path, msflags, 4: octal}, [7]string{"src", "dst", "add", 4: "parents"}, 0, "Can't bind mount {A} on /newroot{B}"},
	OpMount:       {"mount", inRoot, [7]kind{mountKind, path, label, octal, octal, size, sizeHigh}, [7]string{"fs", "dst", "label", "mode", "parents", "size", ""}, 0, "Can't mount {A} on /newroot{B}"},
	OpOverlay:     {"overlay", inRoot, [7]kind{overlay, path, num, num, octal}, [7]string{"src", "dst", "lower", "kind", "parents"}, 0, "Can't make overlay mount on /newroot{B}"},
	OpDir:         {"dir", inRoot, [7]kind{1: path, 3: octal, 4: octal}, [7]string{1: "dst", 3: "mode", 4: "parents"}, 0, "Can't mkdir {B}"},
	OpFile:        {"file", inRoot, [7]kind{fd, path, 3: octal, 4: octal}, [7]string{"fd", "dst", 3: "mode", 4: "parents"}, 0, "Can't create file {B}"},
	OpData:        {"data", inRoot, [7]kind{fd, path, msflags, octal, octal}, [7]string{"fd", "dst", "add", "mode", "parents"}, 0, "Can't bind mount data on /newroot{B}"},
	OpSymlink:     {"symlink", inRoot, [7]kind{str, path, 4: octal}, [7]string{"target", "dst", 4: "parents"}, 0, "Can't make symlink at {B}"},
	OpChmod:       {"chmod", inRoot, [7]kind{1: path, 3: octal}, [7]string{1: "dst", 3: "mode"}, 0, "Can't chmod {D} {B}"},
	OpRemountRO:   {"remount-ro", inRoot, [7]kind{1: path}, [7]string{1: "dst"}, 0, "Can't remount readonly on /newroot{B}"},
	OpProc:        {"proc", inRoot, [7]kind{maybeSource, path, 4: octal}, [7]string{"src", "dst", 4: "parents"}, FlagCover | FlagOrBind | FlagOrNone, "Can't mount proc on /newroot{B}"},
	OpTell:        {name: "tell", phase: inPayload},
	OpPivot:       {name: "pivot", phase: inSetUp, fault: "pivot_root(/newroot)"},
	OpHostname:    {"hostname", inSetUp, [7]kind{str}, [7]string{"name"}, 0, "Can't set hostname to {A}"},
	OpLimitUserns: {name: "limit-userns", phase: inSetUp, fault: "cannot write to /proc/sys/user/max_user_namespaces"},
	OpNoUserns:    {name: "no-userns", phase: inSetUp, fault: "Can't test whether user namespaces are disabled"},
	OpChdir:       {"chdir", inPayload, [7]kind{str, str}, [7]string{"dir", "env"}, FlagTry, "Can't chdir to {A}"},
	OpWaitFd:      {"wait-fd", inSetUp, [7]kind{fd}, [7]string{"fd"}, 0, ""},
	OpGo:          {name: "go", phase: inSetUp, fault: "Can't report the sandbox's namespaces"},
	OpSetsid:      {name: "setsid", phase: inSetUp, fault: "setsid"},
	OpLabel:       {"label", inSetUp, [7]kind{labelKind, label}, [7]string{"of", "label"}, 0, "Can't set label {B} of {A}"},
	OpCaps: {
		"caps",
		inPayload,
		[7]kind{mask, mask, mask, mask, mask, mask},
		[7]string{"bounding", "", "permitted", "", "ambient", ""},
		FlagBounding | FlagLenient,
		"Can't set capabilities",
	},
	OpBecome:  {"become", inSetUp, [7]kind{ident, ident}, [7]string{"uid", "gid"}, FlagTry, "unable to switch to uid {A}"},
	OpGroups:  {name: "groups", phase: inSetUp, fault: "Can't give up the caller's supplementary groups"},
	OpNest:    {"nest", inSetUp, [7]kind{str, str}, [7]string{"uid_map", "gid_map"}, 0, "Creating a nested user namespace failed"},
	OpFence:   {"fence", inPayload, [7]kind{scopes, scopes}, [7]string{"scopes", "try"}, 0, "Can't keep the command from tracing or signalling processes outside (Landlock)"},
	OpLock:    {"lock", inPayload, [7]kind{str}, [7]string{"path"}, 0, "Unable to lock file {A}"},
	OpScore:   {"oom-score-adj", inSetUp, [7]kind{str}, [7]string{"to"}, 0, ""},
	OpClose:   {"close", inPayload, [7]kind{fd, fd}, [7]string{"from", "to"}, 0, ""},
	OpTimeout: {"timeout", inPayload, [7]kind{num, num}, [7]string{"after", "grace"}, 0, ""},
	OpSocket:  {"allow-socket", inPayload, [7]kind{str}, [7]string{"path"}, 0, "Can't leave socket {A} within reach"},
	OpCgroup:  {"cgroup", inPayload, [7]kind{fd}, [7]string{"fd"}, 0, "Can't start in the cgroup of fd {A}"},
	OpMask:    {"mask", inRoot, [7]kind{1: path}, [7]string{1: "dst"}, FlagTry | FlagGlob, ""},
	OpProtect: {"protect", inRoot, [7]kind{num, path}, [7]string{"directory", "dst"}, FlagTry | FlagGlob, ""},
	OpSet:     {"set", inPayload, [7]kind{num, values, more}, [7]string{"kind", "values"}, 0, ""},
	OpSeccomp: {"seccomp", inPayload, [7]kind{filter, num}, [7]string{"filter", "len"}, 0, "Unable to set up system call filtering as requested: prctl(PR_SET_SECCOMP)"},
	OpExec:    {name: "exec", phase: atEnd},
}

// SameID stands in an OpBecome for the id that the process has.
const SameID = ^uint32(0)

// MaxFilter is the kernel's limit for one filter, in instructions (BPF_MAXINSNS).
const MaxFilter = 4096

// MaxValues bounds the values of a setting: a bit for each of the most CPUs that Linux can be built for
// (CONFIG_NR_CPUS).
const MaxValues = 8192 / 64

// MaxLabel bounds a security label, so that it fits into the page of mount options.
const MaxLabel = 1024

// MaxMatches bounds what one pattern may match.
const MaxMatches = 20_000

// MaxLayers bounds the lower layers of one overlay: their names must fit into the
// page of mount options that mount(2) takes.
const MaxLayers = 128
