// Package pattern says which names a pattern matches (--mask-glob, --protect-glob): glob(7) for one
// component, and ** for any directories. It makes no system call; package deny reads the directories
// and asks.
//
// A [Pattern] is a machine without a memory of its own. What may still match in a directory is a set
// of states in one word, bit n for component n, so a search keeps a word for each directory that it
// is in, and a pattern with several ** costs no more than one without: there is nothing to try again.
//
// The laws of this code are in the documentation of package child.
package pattern
