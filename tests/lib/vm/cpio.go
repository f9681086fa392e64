package vm

import (
	"bytes"
	"fmt"
)

// archive is an initramfs: a cpio archive in the "newc" format (see the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst). Everything in it is
// root's.
type archive struct {
	buf   bytes.Buffer
	inode int
}

const (
	cpioFile = 0o100755
	cpioDir  = 0o040755
)

// add appends an entry. A directory has to come before what is in it.
func (a *archive) add(name string, mode int, data []byte) {
	a.inode++
	fmt.Fprintf(&a.buf, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.buf.WriteString(name + "\x00")
	a.pad()
	a.buf.Write(data)
	a.pad()
}

// pad aligns to 4 bytes, as names and contents are.
func (a *archive) pad() {
	a.buf.Write(make([]byte, -a.buf.Len()&3))
}

// bytes ends the archive.
func (a *archive) bytes() []byte {
	a.add("TRAILER!!!", 0, nil)
	return a.buf.Bytes()
}
