package plan

// Op is what a step does.
type Op uint16

// The operations. The comment gives the operands; dst is always a path in the
// new root, resolved there and nowhere else; parents is the mode of directories
// that must be made on the way.
const (
	opNone        Op = iota
	OpSetns          // A fd, B namespace type: enter a namespace
	OpIDMap          // A uid_map text, B gid_map text: write this process's maps; FlagOutside
	OpUnshare        // A CLONE_NEW* flags
	OpLoopback       // bring the loopback interface up
	OpSlave          // stop mounts from propagating to the host
	OpSource         // A path or 0, B fd when A is 0; FlagTry. G: the fd, set by the process that opens it
	OpRoot           // build the frame: an empty tmpfs, the old root set aside
	OpBind           // A index of the OpSource, B dst, C MS_* flags to add, E parents
	OpMount          // A kind, B dst, C label, D mode, E parents, F, G size in bytes (low, high; 0: the kernel's)
	OpOverlay        // A first OpSource, B dst, C lower layers, D kind, E parents
	OpDir            // B dst, D mode, E parents
	OpFile           // A fd, B dst, D mode, E parents
	OpData           // A fd, B dst, C MS_* flags, D mode, E parents
	OpSymlink        // A target, B dst, E parents
	OpChmod          // B dst, D mode
	OpRemountRO      // B dst
	OpProc           // A OpSource of the host's, or 0 for a new one; B dst, E parents; FlagCover
	OpPivot          // leave the old root permanently
	OpHostname       // A name
	OpLimitUserns    // allow one more user namespace below this one, and none below that
	OpNoUserns       // prove that no further user namespace can be made
	OpChdir          // payload: A path, B PWD string. FlagTry: on failure the next OpChdir is tried
	OpWaitFd         // A fd: wait for a byte or the end
	OpGo             // the namespaces and the frame are there: report them, and wait for the go-ahead
	OpSetsid         // start a session
	OpLabel          // A whose label, B label
	OpTell           // payload: tell the front end its pid
	OpCaps           // A, B bounding set to keep; C, D permitted; E, F inheritable and ambient (low, high)
	OpFence          // payload: enter a Landlock domain: A scopes to have, B those to have where the kernel can; and no tracing of processes outside, where no user namespace prevents it
	OpLock           // init: A path: take a read lock
	OpSeccomp        // A filter, B number of instructions
	OpBecome         // A uid, B gid, or SameID: switch to these ids (setresuid) and keep the capabilities
	OpGroups         // give up the supplementary groups
	OpNest           // A uid_map text, B gid_map text: enter a user namespace below this one, whose maps this process's helper writes from here
	OpExec           // become the command
	OpScore          // A text: write the first process's oom_score_adj, which init and payload inherit
	OpClose          // payload: A first, B last: close these descriptors, except for the acting side's own
	OpTimeout        // monitor: A, B milliseconds: when to ask the command to end, and how long after that to kill everything
	OpCgroup         // monitor: A fd: the cgroup in which the first process starts
	OpSet            // payload: A kind of setting (package setting), B to F its values
	OpMask           // B dst: nobody opens it; FlagTry, FlagGlob
	OpProtect        // B dst: read-only, and held where it is; A 1: if it is missing, a directory stands for it; FlagTry, FlagGlob
	OpSocket         // A path: an exception to ScopeSockets, for sockets there and below; OpFence makes it
	NumOps
)

// Step flags.
const (
	// FlagTry: a source that does not exist is skipped; an OpChdir may fail.
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
	MountTmpfs  = iota // D is its mode, F and G its size
	MountDevpts        // a new instance
	MountMqueue
	numMounts
)

// Scopes (OpFence): what the payload reaches in processes inside only. The first two bits are
// Landlock's.
const (
	ScopeAbstractSockets = 1 << iota // connecting and sending to abstract Unix sockets
	ScopeSignals
	ScopeSockets // the same as the first for sockets with a path, except for those of OpSocket
	numScopes    = iota
)

// Labels (OpLabel, A).
const (
	LabelExec = iota // the payload's process
	LabelNew         // files and directories that set-up makes by itself
	numLabels
)

// Kinds of overlay (OpOverlay, D).
const (
	OverlayRW  = iota // the two sources after the lower ones: upper and work directory
	OverlayTmp        // upper and work directory on an invisible tmpfs
	OverlayRO
)

// What the descriptor of an OpCgroup is (Message.Extra).
const (
	CgroupNone      = iota // nothing of a cgroup
	CgroupDirectory        // a cgroup
	CgroupFile             // a file in one
	CgroupOld              // of version 1
)

// Sub says which part of a step failed.
type Sub uint32

// Parts of steps.
const (
	SubMain        Sub = iota
	SubParents         // a parent directory of the destination could not be made or entered
	SubMakeDir         // the destination itself, as a directory
	SubMakeFile        // the destination itself, as a file
	SubSource          // the source
	SubRemount         // flags of a mount
	SubSubmount        // flags of a mount below a bound one
	SubRead            // reading the data fd
	SubWrite           // writing data
	SubUIDMap          // uid_map
	SubSetgroups       // setgroups
	SubGIDMap          // gid_map
	SubProc            // the host's /proc
	SubRace            // the file of an fd is no longer there
	SubExists          // the symlink's place holds something else: Text, if it is a link
	SubNoMount         // no mount point
	SubPivot           // pivot_root
	SubTmpfs           // mounting the frame's tmpfs
	SubBounding        // prctl(PR_CAPBSET_DROP)
	SubAmbient         // prctl(PR_CAP_AMBIENT)
	SubClone           // clone itself
	SubMagicLink       // a magic link on the way to the destination
	SubUnexpected      // something succeeded that had to fail
	SubPlan            // the plan was refused by Verify (Extra is the reason), or could not be taken
	SubNoNewPrivs      // prctl(PR_SET_NO_NEW_PRIVS)
	SubDeathSignal     // prctl(PR_SET_PDEATHSIG)
	SubSeal            // protecting init from the payload
	SubCover           // covering parts of proc
	SubFallback        // a new proc, which was done without (a warning)
	SubRefused         // setuid mode does not do this: Extra is the row of the policy (package suid)
	SubConf            // the administrator's setuid.conf: Extra is the line, or 0
	SubKeeper          // the keeper's own preparations
	SubInstall         // how the launcher is installed: Extra is a suid.InstallKind
	SubRootfs          // pivot_root, where the root is the kernel's first file system
	SubThreads         // the host's threads could not be ended (package child, takenOver)
	// What is wrong with the command of an OpExec, or with its interpreter: Text is the file.
	SubScript        // Text, which a "#!" line names, does not exist
	SubLoader        // Text, the loader of an ELF file, does not exist
	SubNoShell       // Text has no "#!" line, and /bin/sh does not exist
	SubDirectory     // a directory
	SubNoExec        // on a mount with noexec
	SubNotExecutable // no permission to execute it
	SubNoProgram     // a device, a FIFO, a socket
	// What an OpMask or an OpProtect met: Text is the file.
	SubUnread      // Text, a directory in which there may be matches, cannot be read
	SubHeld        // Text, on the way to the destination, could not be held where it is
	SubPlaceholder // Text, which stands for what is missing, could not be made
	SubMark        // Text lies on a file system that has no user extended attributes
	SubFile        // Text, a match

	SubNoMatch // nothing matches the pattern
	SubTooMany // more than MaxMatches files match it
	SubWhole   // the destination is the sandbox's root
	SubShield  // an overlay, without which a capability of the payload's opens masks
	SubHolders // there are too many placeholders
	SubNoEnd   // without a PID namespace and an init nobody knows when a placeholder is no longer needed
	// The administrator's policy.conf.
	SubPolicy     // it does not permit this: Extra is the verdict (package policy)
	SubPolicyFile // it is not root's alone, or Extra is the line that can't be understood
)

// kind is how an operand is checked and printed.
type kind uint8

const (
	unused      kind = iota
	str              // arena offset of a string
	path             // the same, printed as a path in the new root
	host             // the same, printed as a host path
	fd               // a file descriptor
	num              // any number
	ident            // a uid or gid, or SameID
	octal            // a mode
	msflags          // MS_* flags
	nsflags          // CLONE_NEW* flags
	source           // index of an OpSource
	maybeSource      // the same, or 0
	filter           // arena offset of BPF instructions, counted by the next operand
	overlay          // kind of overlay; needs as many sources as it says
	mask             // half of a capability set
	slot             // written by the process that executes the step; must be 0 before
	label            // arena offset of a label: at most MaxLabel bytes without quotes
	mountKind        // kind of mount
	labelKind        // kind of label
	size             // low half of a size; the high half is the next operand
	sizeHigh         // printed with the low half
	numbers          // any numbers, five
	more             // printed with what stands in front
	scopes           // Scope* bits; others are the kernel's to refuse
)

// phase is where in a plan an operation may stand; see the package comment.
type phase uint8

const (
	inSetUp     phase = iota // [Join, Setup)
	beforeClone              // [0, Setup): it may also come before the first process is cloned
	beforeRoot               // in set-up, before OpRoot
	inRoot                   // between OpRoot and OpPivot, while the new root is built
	inPayload                // [Setup, N), but not as the last step
	atEnd                    // as the last step
)

// opInfo describes an operation, for all code except for the function that carries it out.
type opInfo struct {
	name     string
	phase    phase
	operands [7]kind // A to G
	labels   [7]string
	flags    uint16 // the step flags that may be set
	fault    string // what has failed, with operands in braces; what bwrap has too is as there (see Sentence)
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
	OpSet:     {"set", inPayload, [7]kind{num, numbers, more, more, more, more}, [7]string{"kind", "values"}, 0, ""},
	OpSeccomp: {"seccomp", inPayload, [7]kind{filter, num}, [7]string{"filter", "len"}, 0, "Unable to set up system call filtering as requested: prctl(PR_SET_SECCOMP)"},
	OpExec:    {name: "exec", phase: atEnd},
}

// SameID stands in an OpBecome for the id that the process has.
const SameID = ^uint32(0)

// MaxFilter is the kernel's limit for one filter, in instructions (BPF_MAXINSNS).
const MaxFilter = 4096

// MaxLabel bounds a security label, so that it fits into the page of mount options.
const MaxLabel = 1024

// MaxMatches bounds what one pattern may match.
const MaxMatches = 20_000

// MaxLayers bounds the lower layers of one overlay: their names must fit into the
// page of mount options that mount(2) takes.
const MaxLayers = 128
