package suid

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// The file of the administrator's restrictions. It and its directory must belong to root and be
// writable by root only, and all users must be able to read it. If it is missing, there are no
// restrictions. If it cannot be trusted or understood, setuid mode refuses to run.
const (
	ConfDir  = "/etc/gobwrap"
	ConfName = "setuid.conf"
	ConfPath = ConfDir + "/" + ConfName
	MaxConf  = 1 << 15 // bytes
)

// Conf is the content of setuid.conf, for one caller. The zero value restricts nothing.
type Conf struct {
	Member  bool   // the caller is in a group of a line "groups"
	Refused uint64 // bit n: feature n is refused
	Deny    uint32 // what the broker (broker.Job.Deny) and the keeper (CLONE_NEW* and the bits below) refuse
}

// Bits of Conf.Deny for the keeper. The broker, which gets them too, ignores them.
const (
	DenyOthers = 1 << 15 // all launches: there are lines "groups", none of which has a group of the caller's
	DenyAll    = 1 << 16 // all launches: there is a line "off"
	DenyProc   = 1 << 31 // a new proc
)

// feature is what the administrator can refuse, under the name of its option. What needs privilege is
// refused by the keeper or the broker. The rest is refused by the first process, which the user
// controls: it needs no privilege, and the user could do it without gobwrap as well.
type feature struct {
	option string
	kind   featureKind
	value  uint32 // depends on kind: an operation, a kind of mount
	deny   uint32 // the bits of Conf.Deny
}

type featureKind uint8

const (
	byClone    featureKind = iota
	byOp                   // any step with the operation
	byMount                // a new file system of a kind
	byWritable             // a bind that is not read-only
)

// features are the options that can be refused.
//
//nolint:gochecknoglobals // read-only table
var features = [...]feature{
	{"--unshare-user", byClone, 0, unix.CLONE_NEWUSER},
	{"--unshare-pid", byClone, 0, unix.CLONE_NEWPID},
	{"--unshare-net", byClone, 0, unix.CLONE_NEWNET},
	{"--unshare-ipc", byClone, 0, unix.CLONE_NEWIPC},
	{"--unshare-uts", byClone, 0, unix.CLONE_NEWUTS},
	{"--unshare-cgroup", byClone, 0, unix.CLONE_NEWCGROUP},
	{"--bind", byWritable, 0, broker.DenyWritable}, // also --dev-bind, --bind-fd and the devices of --dev
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

// Features returns the options that a "refuse" line may name.
func Features() []string {
	out := make([]string, 0, len(features))
	for _, f := range features {
		out = append(out, f.option)
	}
	return out
}

// Extra packs a reason and, for ReasonConfOption, the feature into one number of a message. In the place of a
// feature the keeper packs bits of Conf.Deny, which are above those of reasons and features.
func Extra(r Reason, feature uint32) uint32 { return uint32(r) | feature<<8 }

// FromExtra unpacks the reason, and the option that the administrator refuses, or "". Of several bits of
// Conf.Deny, DenyAll counts first, then DenyOthers.
func FromExtra(extra uint32) (r Reason, option string) {
	r = Reason(extra & 0xff)
	switch {
	case r != ReasonConfOption:
		return r, ""
	case extra&DenyAll != 0:
		return ReasonConfOff, ""
	case extra&DenyOthers != 0:
		return ReasonConfGroup, ""
	}
	for n, f := range features {
		if f.kind == byClone && f.deny&extra != 0 || extra>>8 == uint32(n) {
			return r, f.option
		}
	}
	return r, ""
}
