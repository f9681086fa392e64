// Package suid knows about privilege that the binary brings: set-id bits and file
// capabilities.
//
// This version has no setuid mode. Whatever a set-id bit or a file capability gave is
// given up for ever by the program's first instructions, before the Go runtime starts
// (package child, enter), and [Refuse] then says that such an installation is not
// supported. Nothing is parsed before.
package suid
