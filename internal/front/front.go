// Package front is what package sandbox offers to cmd/gobwrap and to the tests of this
// module, and to no other program: the plan itself, a launch by this very process, and
// the names under which a command line knows the fields of a Spec.
//
// Package sandbox imports this one, and sets the variables. Where a parameter is an any, it
// is a *sandbox.Spec or a *sandbox.Cmd.
package front

import (
	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// Line is what a command line knows and a Spec does not say.
type Line struct {
	// Words is the option that has set a field ("Files[5]"), with its operands, or only the
	// name of the option for the field, or nil.
	Words func(field string) []string
	Used  []int // descriptors, besides those of the Spec, that are not passed on
	Read  []int // those of them that nothing needs once the plan is made
	Keep  []int // those that are passed on even with flat.CloseFDs

	Switches uint32 // flat.Spec.Switches, with those that no field of a Spec says
}

//nolint:gochecknoglobals // set once, before main
var (
	// Attach gives a Cmd the line that its Spec was made of.
	Attach func(cmd any, l *Line)
	// Exec makes this process the sandbox of a Cmd, as execve would: the program must have been
	// linked as the launcher is (cmd/gobwrap), and have done nothing else. It
	// returns when the command runs, and the process should then end with child.Exit. Otherwise it
	// returns an error. The command has the process's own streams.
	Exec func(cmd any) error
	// Compile makes the plan for a Spec whose namespaces are decided. l may be nil.
	Compile func(spec any, l *Line, f Facts) (*plan.Program, error)
	// Explain is the error that a message of the acting side means. Bytes of a message: see
	// package plan.
	Explain func(p *plan.Program, bytes []byte) error
	// After is err with the reason for which a first attempt, in a user namespace, had failed.
	// keeper: the second one was for setuid mode.
	After func(first, err error, keeper bool) error
	// Killed is the error of a launch of this binary that was killed during set-up, which a
	// seccomp filter in force may explain.
	Killed func() error
	// Take sets the fields of a *sandbox.Spec that options give once. text returns a string, and from is told
	// which option has set a field.
	Take func(spec any, f *flat.Spec, text func(flat.Word) string, from func(field string, option flat.Word))
	// Add puts an item that is a setting, or an entry of a list of paths,
	// into a *sandbox.Spec, and returns the field; "": it is another item.
	Add func(spec any, it *flat.Item, text string) (field string)
	// Failed writes to the descriptors of a *sandbox.Report why the command does not run.
	Failed func(report any, err error)
)

// Facts is everything that a plan may depend on besides the Spec: this machine, and the
// caller. Tests make it by hand.
type Facts struct {
	UID, GID uint32
	Caps     uint64   // the caller's permitted capabilities
	Env      []string // the caller's environment, in order
	Cwd      string   // where the command should start; empty if the directory has no name
	Tty      bool     // standard output is a terminal

	// What exists on this machine: for namespaces that are only to be tried, and for labels.
	UserNamespaces, CgroupNamespaces bool
	SELinux                          bool

	// Setuid: the plan is for the keeper of setuid mode (package suid), which has no
	// user namespace to offer unless root may make one. Tentative: the kernel may refuse
	// direct mode, and a keeper waits.
	Setuid, Tentative bool

	// For Identity.MapAuto: the caller's login name, "" if there is none, and the texts of
	// /etc/subuid and /etc/subgid.
	UserName       string
	SubUID, SubGID string

	// Filtered: a seccomp filter is installed here, which may kill set-up: the payload says
	// when it is about to run, so that its death before that is not taken for the command's status.
	Filtered bool

	// Embedded: the front end is a Go program that goes on, and which starts the launcher.
	Embedded bool

	// StdinFile: standard input is a regular file that the caller may write.
	StdinFile bool
	// Unscoped: the kernel has no Landlock scopes.
	Unscoped bool

	// SameFile reports whether two paths lead to the same file; nil: never.
	SameFile func(a, b string) bool
}

// Broken is an error about fields of a Spec that do not go together. A command line has a
// sentence of its own for each rule.
type Broken struct {
	Rule    compile.Rule
	Field   string // which is to change
	Problem string
}

func (b *Broken) Error() string { return b.Field + ": " + b.Problem }

// Unmapped is an error about an id that the maps of a Spec do not have.
type Unmapped struct {
	Kind   string // "uid" or "gid"
	ID     uint32
	Device bool // it is the id 0, which a Dev needs
	Field  string
	Detail string // what is in the way
}

func (u *Unmapped) Error() string {
	if u.Device {
		return u.Field + ": must map " + u.Kind + " 0, which the devpts of a Dev belongs to"
	}
	return u.Field + ": not mapped, and the caller is mapped to another id (" + u.Detail + ")"
}
