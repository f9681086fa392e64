// enosys runs a program under a seccomp filter that makes system calls fail:
//
//	enosys [-e ERRNO] [-n NR[:INDEX=VALUE[/MASK]]]... [-a NR] [--] PROGRAM ARGS...
//
// -e is the error, by name or number (ENOSYS), and counts for what follows it; KILL is
// SECCOMP_RET_KILL_PROCESS, as systemd's SystemCallFilter= has it by default. -n
// names a call by number, perhaps only with an argument that has a value under a
// mask; -a refuses every call from a number on. With neither, it refuses what the
// launcher can do without: the mount calls of 5.2 and 5.12 and other newcomers.
//
// A suite can put it in front of the program under test to try its old-kernel paths.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX 4000

static struct sock_filter code[MAX + 8];
static unsigned short length;

static void emit(struct sock_filter f) {
	if (length >= MAX) {
		fprintf(stderr, "enosys: too many rules\n");
		exit(99);
	}
	code[length++] = f;
}

static void load(size_t offset) {
	emit((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static const int kill_it = -1;

static void refuse(int error) {
	unsigned action = error == kill_it ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | error;
	emit((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static const char *const names[] = {
	[EPERM] = "EPERM", [ENOENT] = "ENOENT", [EINTR] = "EINTR", [EIO] = "EIO", [EBADF] = "EBADF",
	[EAGAIN] = "EAGAIN", [ENOMEM] = "ENOMEM", [EACCES] = "EACCES", [EBUSY] = "EBUSY", [EINVAL] = "EINVAL",
	[ENFILE] = "ENFILE", [EMFILE] = "EMFILE", [ENOSPC] = "ENOSPC", [EROFS] = "EROFS", [ENOSYS] = "ENOSYS",
	[EUSERS] = "EUSERS", [EOPNOTSUPP] = "EOPNOTSUPP",
};

static int error_number(const char *word) {
	if (strcmp(word, "KILL") == 0)
		return kill_it;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i] && strcmp(names[i], word) == 0)
			return i;
	return atoi(word);
}

// one refuses a call, perhaps only with an argument of a certain value.
static void one(const char *word, int error) {
	unsigned nr = 0, index = 0;
	unsigned long value = 0, mask = 0xffffffff;
	int fields = sscanf(word, "%u:%u=%li/%li", &nr, &index, (long *)&value, (long *)&mask);
	load(offsetof(struct seccomp_data, nr));
	if (fields < 3) {
		emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1));
	} else {
		emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4));
		load(offsetof(struct seccomp_data, args) + 8 * index);
		emit((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
		emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
	}
	refuse(error);
}

// The numbers are the same on every architecture from 424 on.
static const unsigned newcomers[] = {
	428 /* open_tree */, 429 /* move_mount */, 430 /* fsopen */, 432 /* fsmount */,
	434 /* pidfd_open */, 435 /* clone3 */, 436 /* close_range */, 437 /* openat2 */,
	439 /* faccessat2 */, 442 /* mount_setattr */, 452 /* fchmodat2 */,
};

int main(int argc, char **argv) {
	int opt, error = ENOSYS, rules = 0;
	(void)argc;
	while ((opt = getopt(argc, argv, "+e:n:a:")) != -1) {
		if (opt == 'e') {
			error = error_number(optarg);
		} else if (opt == 'n') {
			one(optarg, error);
			rules++;
		} else if (opt == 'a') {
			load(offsetof(struct seccomp_data, nr));
			emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, atoi(optarg), 0, 1));
			refuse(error);
			rules++;
		} else {
			return 99;
		}
	}
	for (size_t i = 0; rules == 0 && i < sizeof newcomers / sizeof *newcomers; i++) {
		load(offsetof(struct seccomp_data, nr));
		emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, newcomers[i], 0, 1));
		refuse(error);
	}
	emit((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	struct sock_fprog prog = {length, code};
	// Root needs no no_new_privs for it, under which a set-id bit would mean nothing.
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))) {
		perror("enosys: seccomp");
		return 99;
	}
	execvp(argv[optind], argv + optind);
	perror(argv[optind]);
	return 127;
}
