#include "textflag.h"

// func check()
// The kernel names a process after the file that it was started from: who starts itself
// is called exe, after /proc/self/exe. The rest is resume's to look at.
TEXT ·check(SB),NOSPLIT,$32-0
	MOVD $167, R8 // prctl
	MOVD $16, R0  // PR_GET_NAME
	MOVD $name-16(SP), R1
	SVC
	MOVWU name-16(SP), R0
	MOVD $0x00657865, R1 // "exe"
	CMP  R0, R1
	BNE  other
	CALL github·com∕gobwrap∕gobwrap∕sandbox∕child·resume(SB)
other:
	RET
