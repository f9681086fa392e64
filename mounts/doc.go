// Package mounts says what the files of a sandbox are made of (Files of sandbox.Spec).
//
//	c.Spec.Files = append(mounts.System(),
//		mounts.Proc("/proc"),
//		mounts.Tmpfs("/tmp").Size(64<<20),
//		mounts.ReadOnly("/etc/ssl").Try(),
//		mounts.ReadWrite(dir).At("/work"),
//	)
//
// Operations happen in order, in a root that is empty at first: a later one covers, or
// stands in, what an earlier one has put there. Directories on the way are made.
//
// Sources are paths on the host, opened before the first operation. Destinations are paths in
// the sandbox, resolved there and never outside of it; relative ones start at its root. An
// empty path is an error, as is any other argument that is not valid.
package mounts
