package suid

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// Where the administrator's restrictions are. The directory and the file must be root's,
// and nobody else may be able to write them; the file must be readable for all. Without
// the file there are no restrictions; with any doubt about it nothing runs.
const (
	ConfDir  = "/etc/gobwrap"
	ConfName = "setuid.conf"
	ConfPath = ConfDir + "/" + ConfName
	MaxConf  = 1 << 15 // bytes
)

// Conf is what the file says. The zero value restricts nothing.
type Conf struct {
	Off     bool   // a line "off"
	Limited bool   // a line "groups": only members of one of these
	Member  bool   // the caller is one
	Refused uint64 // bit n: feature n is refused
}

// feature is something that the administrator can refuse: what an option makes of a plan.
// What takes privilege the keeper and the broker refuse, whatever asks. The rest the first
// process refuses: it belongs to the user, who could do such things without gobwrap too.
type feature struct {
	option string
	kind   featureKind
	value  uint32 // a CLONE_NEW* flag, an operation, a kind of mount, as kind says
	deny   uint32 // what the broker does not do then
}

type featureKind uint8

const (
	byClone    featureKind = iota
	byOp                   // any step with the operation
	byMount                // a new file system of a kind
	byWritable             // files of the host's that are not read-only
)

// features are the options that can be refused, each by what is seen of it.
//
//nolint:gochecknoglobals // read-only table
var features = [...]feature{
	{"--unshare-user", byClone, unix.CLONE_NEWUSER, 0},
	{"--unshare-pid", byClone, unix.CLONE_NEWPID, 0},
	{"--unshare-net", byClone, unix.CLONE_NEWNET, 0},
	{"--unshare-ipc", byClone, unix.CLONE_NEWIPC, 0},
	{"--unshare-uts", byClone, unix.CLONE_NEWUTS, 0},
	{"--unshare-cgroup", byClone, unix.CLONE_NEWCGROUP, 0},
	{"--bind", byWritable, 0, broker.DenyWritable}, // and what is one: --dev-bind, --bind-fd, the devices of --dev
	{"--dev", byMount, plan.MountDevpts, broker.DenyDevpts},
	{"--tmpfs", byMount, plan.MountTmpfs, broker.DenyTmpfs},
	{"--mqueue", byMount, plan.MountMqueue, broker.DenyMqueue},
	{"--proc", byOp, uint32(plan.OpProc), DenyProc},
	{"--dir", byOp, uint32(plan.OpDir), 0},
	{"--file", byOp, uint32(plan.OpFile), 0},
	{"--bind-data", byOp, uint32(plan.OpData), 0},
	{"--symlink", byOp, uint32(plan.OpSymlink), 0},
	{"--chmod", byOp, uint32(plan.OpChmod), 0},
	{"--remount-ro", byOp, uint32(plan.OpRemountRO), 0},
	{"--hostname", byOp, uint32(plan.OpHostname), broker.DenyHostname},
	{"--block-fd", byOp, uint32(plan.OpWaitFd), 0},
	{"--new-session", byOp, uint32(plan.OpSetsid), 0},
	{"--lock-file", byOp, uint32(plan.OpLock), 0},
	{"--seccomp", byOp, uint32(plan.OpSeccomp), 0},
}

// DenyProc is the keeper's: it has no new proc made.
const DenyProc = 1 << 31

// Features are the options that a "refuse" line may name.
func Features() []string {
	out := make([]string, 0, len(features))
	for _, f := range features {
		out = append(out, f.option)
	}
	return out
}

// Extra packs a row and, for RowConfOption, the feature into a message's one number.
func Extra(r Row, feature uint32) uint32 { return uint32(r) | feature<<8 }

// FromExtra is the row, and the option that the administrator refuses, or "".
func FromExtra(extra uint32) (r Row, option string) {
	r = Row(extra & 0xff)
	if n := extra >> 8; r == RowConfOption && n < uint32(len(features)) {
		option = features[n].option
	}
	return r, option
}
