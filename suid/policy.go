package suid

// Reason is why setuid mode refuses something. The keeper and the first process pass it on as a number;
// package sandbox/internal/fault, in the front end or an embedding program, turns it into text.
type Reason uint32

// The reasons. Permitted is the zero value.
const (
	Permitted Reason = iota
	ReasonJoin
	ReasonForgive
	ReasonSetns
	ReasonIDMap
	ReasonNested
	ReasonOverlay
	ReasonLoopback
	ReasonHostname
	ReasonProc
	ReasonMqueue
	ReasonBlock
	ReasonCapAdd
	ReasonReserved
	ReasonNoOwner
	ReasonPowerless
	ReasonLabel
	ReasonCgroup
	ReasonUnknown
	ReasonConfOff
	ReasonConfGroup
	ReasonConfOption
	NumReasons
)

// userNamespace names the options that ask for a user namespace.
const userNamespace = "a user namespace (--unshare-user, --uid, --gid)"

// reasons has the text of each Reason. option is what is refused, if the step does not know which
// option asked for it. why names the CVE that the rule comes from, if there is one. options are
// those that are always refused for this reason: see Refusals.
//
//nolint:gochecknoglobals // read-only table
var reasons = [NumReasons]struct{ option, why, options string }{
	ReasonJoin:       {"--userns", "the keeper makes all namespaces, and enters none that the caller chooses (CVE-2020-5291)", "--userns, --userns2, --pidns, --netns"},
	ReasonForgive:    {"--not-a-security-boundary", "mounts whose flags cannot be restricted would stay as they are", "--not-a-security-boundary"},
	ReasonSetns:      {"a given namespace", "the keeper makes all namespaces, and enters none that the caller chooses (CVE-2020-5291)", ""},
	ReasonIDMap:      {"--userns-block-fd", "the keeper writes the maps, and maps only the caller (CVE-2016-8659)", "--uid-map, --gid-map, --map-auto, --userns-block-fd"},
	ReasonNested:     {"--disable-userns", "it needs a second user namespace, made by the caller inside the first", "--disable-userns"},
	ReasonOverlay:    {"an overlay", "its layers would be read and written with root's rights (CVE-2026-41163, CVE-2021-26910)", "--overlay, --tmp-overlay, --ro-overlay"},
	ReasonLoopback:   {"--unshare-net", "a shared network's interface does not belong to the caller", ""},
	ReasonHostname:   {"--hostname", "without --unshare-uts the name is the host's", ""},
	ReasonProc:       {"--proc", "only the host's proc can be shown, or with --unshare-pid a new one; another one could show what the host's hides", ""},
	ReasonMqueue:     {"--mqueue", "without --unshare-ipc it would show the host's queues", "--mqueue without --unshare-ipc"},
	ReasonBlock:      {"--userns-block-fd", "the keeper writes the maps, and does not wait for another process (CVE-2016-8659)", ""},
	ReasonCapAdd:     {"--cap-add", "the capabilities would be the host's (CVE-2020-5291)", "--cap-add"},
	ReasonReserved:   {userNamespace, "it must belong to an id that no account has, and the caller has one of the ids that must be kept free for this (4294901768 to 4294967292)", ""},
	ReasonNoOwner:    {userNamespace, "it must belong to an id that no account has, and this container does not map the ids that are kept free for this (4294901768 to 4294967292)", ""},
	ReasonPowerless:  {userNamespace, "root could make it, but has no capability in it: a security module or a filter refuses that", ""},
	ReasonLabel:      {"--file-label", "the label of a new file system would be set with the host's CAP_SYS_ADMIN", "--file-label"},
	ReasonCgroup:     {"--cgroup", "the kernel would check whether the keeper may put processes there, not whether the caller may", "--cgroup"},
	ReasonUnknown:    {"this plan", "it has a step that setuid mode does not know", ""},
	ReasonConfOff:    {"setuid mode", "the administrator has disabled it (" + ConfPath + ")", ""},
	ReasonConfGroup:  {"setuid mode", "the administrator permits it only for groups that the caller is not in (" + ConfPath + ")", ""},
	ReasonConfOption: {"an option", "the administrator refuses it (" + ConfPath + ")", ""},
}

// Text returns what is refused, in general, and why.
func (r Reason) Text() (option, why string) {
	if r >= NumReasons {
		r = ReasonUnknown
	}
	return reasons[r].option, reasons[r].why
}

// Refusal is a set of options that setuid mode always refuses, and why.
type Refusal struct{ Options, Why string }

// Refusals returns the options that setuid mode always refuses. --doctor lists them, and
// docs/setuid-mode.md and the manual name them (TestRefusals).
func Refusals() (all []Refusal) {
	for _, w := range reasons {
		if w.options != "" {
			all = append(all, Refusal{w.options, w.why})
		}
	}
	return all
}
