// Package pathname takes paths apart as text: components, "." and "..", what lies below what. It
// makes no system call and knows no root, so nothing that it returns says where a path leads; that
// is for package resolve.
//
// Paths are strings with a NUL at the end, in memory that their owner may change: a component is
// cut out by a NUL in the place of the slash behind it. No function reads behind the NUL.
//
// The laws of this code are in the documentation of package child.
package pathname
