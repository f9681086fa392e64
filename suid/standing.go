package suid

// Standing is what the program's start says about privilege that the binary brings.
type Standing uint32

// Standings. Plain is the zero value.
const (
	Plain      Standing = iota // no privilege of the binary's own
	Installed                  // setuid root: a keeper waits, and this process has nothing
	SetGID                     // a set-group-id bit
	FileCaps                   // file capabilities
	OtherOwner                 // set-user-id, but not root's
	OddIDs                     // ids that no installation gives, or no /proc to see which
	NotBuilt                   // setuid root, but built without the mode
	numStandings
)

// Refusal is why a binary with this standing does not run, or "".
func (s Standing) Refusal() string {
	if s >= numStandings {
		return "this binary has privileges of an unknown kind"
	}
	const mend = ": install it with mode 0755, or owned by root with mode 4755, without group bits and capabilities"
	return [numStandings]string{
		SetGID:     "this binary is set-group-id, which is not supported" + mend,
		FileCaps:   "this binary has file capabilities, which are not supported" + mend,
		OtherOwner: "this binary is set-user-id, but not root's, which is not supported" + mend,
		OddIDs:     "this binary was started with effective ids that are not the caller's, and how it is installed cannot be told" + mend,
		NotBuilt:   "this binary is set-user-id, but was built without the setuid mode (tag nosetuid): install it with mode 0755",
	}[s]
}
