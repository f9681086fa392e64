#include "textflag.h"

// func Call(nr, a, b, c, d, e, f uintptr) uintptr
TEXT ·Call(SB),NOSPLIT,$0-64
	MOVD nr+0(FP), R8
	MOVD a+8(FP), R0
	MOVD b+16(FP), R1
	MOVD c+24(FP), R2
	MOVD d+32(FP), R3
	MOVD e+40(FP), R4
	MOVD f+48(FP), R5
	SVC
	MOVD R0, ret+56(FP)
	RET

// func Trap()
TEXT ·Trap(SB),NOSPLIT,$0-0
	WORD $0xd4200000 // BRK #0
	RET

// func Mapped(addr uintptr) unsafe.Pointer
TEXT ·Mapped(SB),NOSPLIT,$0-16
	MOVD addr+0(FP), R0
	MOVD R0, ret+8(FP)
	RET
