package suid

// Row is a row of the policy, the reason of a refusal. The numbers travel from the
// keeper to a process that has the words.
type Row uint32

// The rows. Permitted is the zero value.
const (
	Permitted Row = iota
	RowJoin
	RowForgive
	RowSetns
	RowIDMap
	RowNested
	RowOverlay
	RowLoopback
	RowHostname
	RowProc
	RowMqueue
	RowSize
	RowBlock
	RowCapAdd
	RowReserved
	RowNoOwner
	RowPowerless
	RowLabel
	RowCgroup
	RowUnknown
	RowConfOff
	RowConfGroup
	RowConfOption
	NumRows
)

// userNamespace is what asks for a user namespace.
const userNamespace = "a user namespace (--unshare-user, --uid, --gid)"

// words are what a row refuses, where the step does not know its option, and why. A CVE
// is named where one taught the row. options are all that lead to the row, whatever the
// kernel permits: see Refusals.
//
//nolint:gochecknoglobals // read-only table
var words = [NumRows]struct{ option, why, options string }{
	RowJoin:       {"--userns", "namespaces are the keeper's own, never the caller's choice (CVE-2020-5291)", "--userns, --userns2, --pidns, --netns"},
	RowForgive:    {"--not-a-security-boundary", "what cannot be tightened there would stay open by root's hand", "--not-a-security-boundary"},
	RowSetns:      {"a given namespace", "namespaces are the keeper's own, never the caller's choice (CVE-2020-5291)", ""},
	RowIDMap:      {"--userns-block-fd", "the keeper writes the maps, and maps the caller alone (CVE-2016-8659)", "--uid-map, --gid-map, --map-auto, --userns-block-fd"},
	RowNested:     {"--disable-userns", "it takes a user namespace of the caller's own inside another", "--disable-userns"},
	RowOverlay:    {"an overlay", "its layers would be read and written with root's rights (CVE-2026-41163, CVE-2021-26910)", "--overlay, --tmp-overlay, --ro-overlay"},
	RowLoopback:   {"--unshare-net", "the interface of a shared network is not the caller's", ""},
	RowHostname:   {"--hostname", "the name of a shared UTS namespace is the host's", ""},
	RowProc:       {"--proc", "only the host's own, or with --unshare-pid a new one, which else would show what the host's hides", ""},
	RowMqueue:     {"--mqueue", "without --unshare-ipc it would show the host's queues", "--mqueue without --unshare-ipc"},
	RowSize:       {"--size", "a tmpfs may be given half of the memory, as the kernel does by itself", "--size above half of the memory"},
	RowBlock:      {"--userns-block-fd", "the keeper writes the maps, and waits for nobody (CVE-2016-8659)", ""},
	RowCapAdd:     {"--cap-add", "the capabilities would be the host's (CVE-2020-5291)", "--cap-add"},
	RowReserved:   {userNamespace, "its owner has to be an id that nobody has, and this caller has one of those that are kept free for it (4294901768 to 4294967293)", ""},
	RowNoOwner:    {userNamespace, "its owner has to be an id that nobody has, and those that are kept free for it (4294901768 to 4294967293) are not mapped in this container", ""},
	RowPowerless:  {userNamespace, "it came without the right to mount in it, although root made it: a security module or a filter refuses that", ""},
	RowLabel:      {"--file-label", "the label of a new file system would be given by the host's CAP_SYS_ADMIN", "--file-label"},
	RowCgroup:     {"--cgroup", "the kernel would ask whether the keeper may put processes there, and not whether the caller may", "--cgroup"},
	RowUnknown:    {"this plan", "it has a step that setuid mode does not know", ""},
	RowConfOff:    {"setuid mode", "the administrator has switched it off (" + ConfPath + ")", ""},
	RowConfGroup:  {"setuid mode", "the administrator grants it to groups that the caller is not in (" + ConfPath + ")", ""},
	RowConfOption: {"an option", "the administrator refuses it (" + ConfPath + ")", ""},
}

// Words are what the row refuses in general, and why.
func (r Row) Words() (option, why string) {
	if r >= NumRows {
		r = RowUnknown
	}
	return words[r].option, words[r].why
}

// Refusal is what setuid mode does not do, whatever the kernel permits, and why.
type Refusal struct{ Options, Why string }

// Refusals are the options that the policy refuses. The doctor lists them; docs/setuid-mode.md and
// manual name them too (TestRefusals).
func Refusals() (all []Refusal) {
	for _, w := range words {
		if w.options != "" {
			all = append(all, Refusal{w.options, w.why})
		}
	}
	return all
}
