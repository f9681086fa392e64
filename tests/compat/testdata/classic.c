// classic stands in for the program under test: it makes the system calls that the
// classic mount engine does without answer ENOSYS, as a kernel before 5.2 would, and
// becomes the program (PROGRAM, given to the compiler), under the name it was called by.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

// open_tree, move_mount, fsopen, fsmount, pidfd_open, clone3, close_range, openat2,
// faccessat2, mount_setattr, fchmodat2: numbers that all architectures share.
static const unsigned calls[] = {428, 429, 430, 432, 434, 435, 436, 437, 439, 442, 452};

int main(int argc, char **argv) {
	enum { N = sizeof calls / sizeof *calls };
	struct sock_filter code[2 * N + 2] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	for (int i = 0; i < N; i++) {
		code[1 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		code[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	code[2 * N + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {2 * N + 2, code};
	(void)argc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		perror("classic: seccomp");
		return 99;
	}
	execv(PROGRAM, argv);
	perror(PROGRAM);
	return 99;
}
