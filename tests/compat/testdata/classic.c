// classic starts a program of which the system calls that the classic mount engine does
// without answer ENOSYS, as on a kernel before 5.2:
//
//	classic UID GID COUNT GROUP… PROGRAM ARGUMENT…
//
// It begins as root, so that the filter needs no no_new_privs and set-id bits keep their
// meaning, and then takes these ids on.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

// open_tree, move_mount, fsopen, fsmount, pidfd_open, clone3, close_range, openat2,
// faccessat2, mount_setattr, fchmodat2: numbers that all architectures share.
static const unsigned calls[] = {428, 429, 430, 432, 434, 435, 436, 437, 439, 442, 452};

static int fail(const char *what) {
	fprintf(stderr, "classic: ");
	perror(what);
	return 99;
}

int main(int argc, char **argv) {
	enum { N = sizeof calls / sizeof *calls, MAX = 8 };
	struct sock_filter code[2 * N + 2] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	for (int i = 0; i < N; i++) {
		code[1 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		code[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	code[2 * N + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {2 * N + 2, code};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return fail("seccomp");
	int count = argc > 3 ? atoi(argv[3]) : MAX + 1;
	if (count > MAX || argc < 5 + count)
		return errno = EINVAL, fail("arguments");
	gid_t groups[MAX];
	for (int i = 0; i < count; i++)
		groups[i] = atoi(argv[4 + i]);
	if (setgroups(count, groups) || setgid(atoi(argv[2])) || setuid(atoi(argv[1])))
		return fail("ids");
	argv += 4 + count;
	execv(argv[0], argv);
	return fail(argv[0]);
}
