// Package suid knows about privilege that the binary brings: set-id bits and file
// capabilities.
//
// This version has no setuid mode. Whatever a set-id bit or a file capability gave is
// given up for ever by the program's first instructions, before the Go runtime starts
// (package child, enter), and [Refuse] then says that such an installation is not
// supported. Nothing is parsed before.
//
// AT_SECURE of the auxiliary vector starts the examination, and alone is no reason to
// refuse: changes of SELinux or AppArmor domain set it too. Refused are a binary with a
// set-id bit where real and effective ids differ, and capabilities of a caller other
// than root. A caller with several ids of his own keeps the
// lesser: the real ones, or, where those are root's, the effective ones.
package suid
