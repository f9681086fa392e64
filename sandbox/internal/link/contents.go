package link

import (
	"io"
	"os"

	"github.com/gobwrap/gobwrap/internal/tree"
	"golang.org/x/sys/unix"
)

// Contents returns open files with the content that operations bring along, in their order. They lie
// in memory: nothing is left of them if this process is killed.
func Contents(ops []tree.Op) ([]*os.File, error) {
	var files []*os.File
	for i := range ops {
		op := &ops[i]
		if op.Content == nil {
			continue
		}
		// Close-on-exec until the file is passed to the launcher.
		fd, err := unix.MemfdCreate("content", unix.MFD_CLOEXEC)
		if err != nil {
			CloseAll(files)
			return nil, os.NewSyscallError("memfd_create", err)
		}
		f := os.NewFile(uintptr(fd), "content")
		files = append(files, f)
		_, err = f.Write(op.Content)
		if err == nil {
			// The acting side reads from where the descriptor stands.
			_, err = f.Seek(0, io.SeekStart)
		}
		if err != nil {
			CloseAll(files)
			return nil, err
		}
	}
	return files, nil
}

// CloseAll closes files of which nothing more is wanted.
func CloseAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
