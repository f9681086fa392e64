package suid

// InstallKind is how the binary is installed, as far as privilege is concerned.
type InstallKind uint32

// The kinds. Plain is the zero value.
const (
	Plain      InstallKind = iota // the file gives no privilege
	Installed                     // setuid root: the keeper runs, and this process has dropped its privilege
	SetGID                        // a set-group-id bit
	FileCaps                      // file capabilities
	OtherOwner                    // set-user-id of another owner than root
	OddIDs                        // ids that fit no known installation, or no /proc to examine the file
	NotBuilt                      // setuid root, but built with the tag nosetuid
	numKinds
)

// Refusal returns why a binary of this kind does not run, or "" if it does.
func (s InstallKind) Refusal() string {
	if s >= numKinds {
		return "this binary has privileges of an unknown kind"
	}
	const fix = ": install it with mode 0755, or owned by root with mode 4755, without group bits and capabilities"
	return [numKinds]string{
		SetGID:     "this binary is set-group-id, which is not supported" + fix,
		FileCaps:   "this binary has file capabilities, which are not supported" + fix,
		OtherOwner: "this binary is set-user-id, but does not belong to root, which is not supported" + fix,
		OddIDs:     "this binary was started with effective ids that are not the caller's, and it is not clear how it is installed" + fix,
		NotBuilt:   "this binary is set-user-id, but was built without the setuid mode (tag nosetuid): install it with mode 0755",
	}[s]
}
