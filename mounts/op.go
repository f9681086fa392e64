package mounts

import (
	"os"
	"slices"
	"strings"

	"github.com/gobwrap/gobwrap/internal/tree"
)

// Op is one operation on the files of a sandbox. The functions of this package make it. A
// method returns a changed copy. If a method does not apply to an operation, such as Size to
// anything but a tmpfs, the operation is refused before anything is started.
type Op struct{ data tree.Op }

// Tree returns the operation for package sandbox.
func (op Op) Tree() tree.Op { return op.data }

// FromTree returns the operation that a command line has said.
func FromTree(op *tree.Op) Op { return Op{*op} }

// At changes the destination: a bind appears at dest instead of at the path of its source.
func (op Op) At(dest string) Op {
	op.data.Dest = dest
	return op
}

// Try returns a bind that is left out if its source does not exist; or a Mask or a Protect that is
// left out if its path does not exist, or nothing matches its pattern.
func (op Op) Try() Op {
	op.data.Try = true
	return op
}

// Glob makes the path of a Mask or a Protect a pattern: *, ? and [a-z] stand for characters of a
// name, also for a dot at its beginning, \ makes the next character literal, and a
// component ** stands for any number of directories. The first component is literal.
//
// The pattern is compared with what is in the sandbox at that moment, once: files that come
// later are not covered. No link is followed behind the literal beginning; one that
// matches is itself masked, or cannot be replaced. There may be 20000 matches.
func (op Op) Glob() Op {
	op.data.Glob = true
	return op
}

// Perms sets permission bits, as chmod(2) takes them: at most 07777. Otherwise a Dir and a
// Tmpfs have 0755, a File 0666 and data 0600.
func (op Op) Perms(bits uint32) Op {
	op.data.Perms = tree.Perms{Bits: bits, Given: true}
	return op
}

// Size limits the size of a Tmpfs. Without a limit it may use half of the memory.
func (op Op) Size(bytes uint64) Op {
	op.data.Size = tree.Size{Bytes: bytes, Given: true}
	return op
}

// ReadOnly binds a file or a directory of the host, with all mounts below it, read-only: at
// the same path, or at another one (At), which a relative source needs. Set-id bits and device
// files have no effect.
func ReadOnly(source string) Op { return bind(source, tree.ReadOnly) }

// ReadWrite is like ReadOnly, but the sandbox may write where the user may.
func ReadWrite(source string) Op { return bind(source, tree.ReadWrite) }

// Devices is like ReadWrite, and device files work.
func Devices(source string) Op { return bind(source, tree.WithDevice) }

func bind(source string, access tree.Access) Op {
	op := tree.Op{Kind: tree.Bind, Source: source, Access: access}
	if strings.HasPrefix(source, "/") {
		op.Dest = source
	}
	return Op{op}
}

// ReadOnlyFD is like ReadOnly, for the file or directory that a descriptor is open on.
func ReadOnlyFD(fd FD, dest string) Op { return bindFD(fd, dest, tree.ReadOnly) }

// ReadWriteFD is like ReadWrite, for the file or directory that a descriptor is open on.
func ReadWriteFD(fd FD, dest string) Op { return bindFD(fd, dest, tree.ReadWrite) }

func bindFD(fd FD, dest string, access tree.Access) Op {
	return Op{tree.Op{Kind: tree.BindFD, FD: fd.number, Dest: dest, Access: access}}
}

// System binds the host's programs and libraries, read-only: /usr, and /bin, /sbin, /lib and
// the like as the host has them, as links or as directories. It does not bind /etc.
func System() []Op {
	ops := []Op{ReadOnly("/usr")}
	for _, path := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if target, err := os.Readlink(path); err == nil {
			ops = append(ops, Symlink(target, path))
		} else if _, err := os.Stat(path); err == nil {
			ops = append(ops, ReadOnly(path))
		}
	}
	return ops
}

// Tmpfs mounts an empty file system in memory at dest. It is gone at the end.
func Tmpfs(dest string) Op { return at(tree.Tmpfs, dest) }

// Proc mounts a proc at dest, which shows the processes of the sandbox.
func Proc(dest string) Op { return at(tree.Proc, dest) }

// Dev makes a small /dev at dest: null, zero, full, random, urandom, tty, ptmx with its pts,
// shm, and the links to the standard streams.
func Dev(dest string) Op { return at(tree.Dev, dest) }

// Mqueue mounts the POSIX message queues at dest (mq_overview(7)).
func Mqueue(dest string) Op { return at(tree.Mqueue, dest) }

// Dir makes an empty directory at dest, or leaves the one that is there.
func Dir(dest string) Op { return at(tree.Dir, dest) }

// Symlink makes a symbolic link at dest that points to target.
func Symlink(target, dest string) Op {
	return Op{tree.Op{Kind: tree.Symlink, Target: target, Dest: dest}}
}

// Chmod changes the permission bits of a file that exists in the sandbox.
func Chmod(dest string, bits uint32) Op { return at(tree.Chmod, dest).Perms(bits) }

// RemountReadOnly makes the mount at dest read-only, but not the mounts below it.
func RemountReadOnly(dest string) Op { return at(tree.RemountRO, dest) }

// Mask closes a path in the sandbox: opening it fails with EACCES, also for root of a user
// namespace, and it can neither be removed nor renamed. It stays a file or a directory. Other
// hard links to a file, and other binds of it, are not masked. A path that does not exist is
// an error, except with Try.
func Mask(path string) Op { return at(tree.Mask, path) }

// Protect keeps a path in the sandbox as it is: it is read-only, with all that is in it, and neither
// it nor a directory or a link on the way to it can be renamed, replaced or removed. So rename(2)
// and link(2) between such a directory and another one fail with EXDEV.
//
// A path that does not exist cannot be made: an empty placeholder, read-only too, is put where the
// first missing component would be, a directory if path goes on or ends with a slash, and
// otherwise a file. It lies on the host meanwhile. At the end it is removed, if no other sandbox
// needs it; one that a killed launcher has left is removed at the end of the next sandbox that
// protects the path. With Try nothing happens where path does not exist.
func Protect(path string) Op { return at(tree.Protect, path) }

func at(kind tree.Kind, dest string) Op { return Op{tree.Op{Kind: kind, Dest: dest}} }

// Overlay mounts several directories of the host as one, read-only. Of files with the same
// name, that of the last layer is visible. It needs two layers.
func Overlay(dest string, layers ...string) Op { return overlay(tree.Refused, dest, layers) }

// TmpOverlay is like Overlay, for one or more layers. What is written is gone at the end.
func TmpOverlay(dest string, layers ...string) Op { return overlay(tree.Forgotten, dest, layers) }

// WritableOverlay is like Overlay, for one or more layers. What is written goes to upper, a
// directory of the host; work is an empty directory on the same file system.
func WritableOverlay(dest, upper, work string, layers ...string) Op {
	op := overlay(tree.Kept, dest, layers)
	op.data.Upper, op.data.Work = upper, work
	return op
}

func overlay(writes tree.Writes, dest string, layers []string) Op {
	return Op{tree.Op{Kind: tree.Overlay, Dest: dest, Layers: slices.Clone(layers), Writes: writes}}
}

// File makes a new file at dest, on the file system that dest is on.
func File(dest string, content Content) Op { return file(tree.File, dest, content, tree.ReadOnly) }

// ReadOnlyData mounts a file without another name at dest, read-only.
func ReadOnlyData(dest string, content Content) Op {
	return file(tree.Data, dest, content, tree.ReadOnly)
}

// ReadWriteData is like ReadOnlyData, but the sandbox may write to it.
func ReadWriteData(dest string, content Content) Op {
	return file(tree.Data, dest, content, tree.ReadWrite)
}

func file(kind tree.Kind, dest string, content Content, access tree.Access) Op {
	op := Op{tree.Op{Kind: kind, Dest: dest, Access: access}}
	if content != nil {
		content.fill(&op.data)
	}
	return op
}

// Content is what a file holds: [Bytes], or what can be read from an [FD] to its end.
type Content interface{ fill(*tree.Op) }

// Bytes are the content of a file.
type Bytes []byte

func (b Bytes) fill(op *tree.Op) { op.Content = append([]byte{}, b...) }

// FD is the number of a descriptor that may not have been given, as the launcher has it:
// 0 to 2 are the standard streams. The zero value is "not given"; [SetFD] makes one.
type FD struct{ number tree.FD }

// SetFD returns the descriptor n.
func SetFD(n int) FD { return FD{tree.FD{N: n, Given: true}} }

// Given reports whether f was made by [SetFD].
func (f FD) Given() bool { return f.number.Given }

// N returns the number, -1 where none was given.
func (f FD) N() int {
	if !f.Given() {
		return -1
	}
	return f.number.N
}

func (f FD) fill(op *tree.Op) { op.FD = f.number }

// Fallback is what to do where the kernel refuses a new proc, as in most containers.
type Fallback int

// Fallbacks. The zero value fails.
const (
	Fail      Fallback = Fallback(tree.Fail)
	Empty     Fallback = Fallback(tree.Empty)     // an empty directory is there instead
	BindOuter Fallback = Fallback(tree.BindOuter) // the outer proc, which shows the processes outside
)
