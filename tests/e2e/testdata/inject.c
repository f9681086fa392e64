// inject runs a launcher and acts at the Nth system call that is made from a given piece of
// code, whatever process of the launcher's makes it:
//
//	inject [-u ID] LOW HIGH N ACTION [--] PROGRAM ARGS...
//
// LOW and HIGH bound the addresses of the code. ACTION is an errno to answer with, to this
// call and all later ones of its number (of its operation, for prctl); or it is "launcher",
// "caller" or "worker", who makes the call, to kill one of them with SIGKILL, or "sigN" to
// send the launcher signal N, and the call is then let through; or it is "kill-WHO" or
// "stop-WHO", where WHO is one of these three, "childN", the Nth child of the launcher's, or
// "last", the youngest of the youngest. A process that is stopped goes on when no other one
// makes a call any more, except for the one that it waits in. Calls that cannot fail, or that
// no filter can sensibly refuse, are not counted for errnos. Of a process's prctls of one
// operation in a row, like those that empty the bounding set, the first counts. -u is for
// root: the caller is user ID then, and the program is left to become that, without
// no_new_privs.
//
//	inject ─▶ caller ─▶ launcher ─▶ …
//
// It waits until every process that came of it is gone, for no longer than two minutes, and
// says on fd 3 what happened: "struck NR A0 A1" or "missed COUNT", "left N" where processes
// had to be killed, and "status N" or "signal N". After "struck NR A0 A1" come
//
//	launcher  if the launcher itself made the call
//	mapped    if the process was in another user namespace than this one (seen by root only)
//	settled   if the process had given up its death signal, as the command does when nothing
//	          is left but its filters and its exec
//	late      if the process had cloned a sibling before
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t caller, launcher, stopped;

static void check(int failed, const char *what) {
	if (failed) {
		perror(what);
		_exit(99);
	}
}

static void send_fd(int sock, int fd) {
	char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
	struct iovec part = {&byte, 1};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	check(sendmsg(sock, &msg, 0) != 1, "inject: sendmsg");
}

static int receive_fd(int sock) {
	int fd = -1;
	char byte, control[CMSG_SPACE(sizeof fd)];
	struct iovec part = {&byte, 1};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	check(recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1, "inject: recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fd);
	return fd;
}

// always are the calls that are never counted, never those that are not for errnos.
static const unsigned always[] = {SYS_close, SYS_exit_group, SYS_getpid, SYS_getppid};
static const unsigned never[] = {
	SYS_close, SYS_exit_group, SYS_getpid, SYS_getppid, SYS_getuid, SYS_getgid, SYS_read, SYS_write, SYS_wait4,
	SYS_kill, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_rt_sigtimedwait, SYS_sendto, SYS_recvfrom, SYS_poll, SYS_ppoll,
	SYS_prlimit64, SYS_fcntl, SYS_dup3, SYS_umask, SYS_getcpu, SYS_sched_setaffinity, SYS_shutdown, SYS_fstat, SYS_munmap, SYS_nanosleep,
};

// launch becomes the program, watched.
static void launch(int sock, int errors, unsigned low, unsigned high, char **argv) {
	pid_t me = getpid();
	static struct sock_filter code[200];
	unsigned short n = 0;
	for (size_t i = 0; i < (errors ? sizeof never : sizeof always) / sizeof *never; i++) {
		code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (errors ? never : always)[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	struct sock_filter tail[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, high, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	memcpy(code + n, tail, sizeof tail);
	n += sizeof tail / sizeof *tail;
	struct sock_fprog prog = {n, code};
	check(geteuid() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "inject: no_new_privs");
	int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	check(fd < 0, "inject: seccomp");
	check(write(sock, &me, sizeof me) != sizeof me, "inject: write");
	send_fd(sock, fd);
	close(fd);
	close(sock);
	execvp(argv[0], argv);
	check(1, argv[0]);
}

static int passed_on(int status) {
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// child is the nth child of a process, or the last one for 0; 0 if there is none.
static pid_t child(pid_t parent, int n) {
	char name[64];
	pid_t pid = 0, next;
	snprintf(name, sizeof name, "/proc/%d/task/%d/children", parent, parent);
	FILE *f = fopen(name, "re");
	int i = 0;
	while (f && fscanf(f, "%d", &next) == 1 && (n == 0 || i < n))
		pid = next, i++;
	if (f)
		fclose(f);
	return n == 0 || i == n ? pid : 0;
}

// whom is the process that a WHO stands for.
static pid_t whom(const char *who, pid_t worker) {
	pid_t pid, next;
	if (strcmp(who, "worker") == 0)
		return worker;
	if (strcmp(who, "launcher") == 0)
		return launcher;
	if (strcmp(who, "caller") == 0)
		return caller;
	if (strncmp(who, "child", 5) == 0)
		return child(launcher, atoi(who + 5));
	for (pid = launcher; (next = child(pid, 0)); pid = next)
		;
	return pid;
}

// mapped reports whether a process is in another user namespace than this one.
static int mapped(pid_t pid) {
	char name[64];
	struct stat own, its;
	snprintf(name, sizeof name, "/proc/%d/ns/user", pid);
	return stat("/proc/self/ns/user", &own) == 0 && stat(name, &its) == 0 && own.st_ino != its.st_ino;
}

static void act(const char *action, pid_t worker, struct seccomp_notif_resp *answer) {
	int stop = strncmp(action, "stop-", 5) == 0;
	if (stop || strncmp(action, "kill-", 5) == 0) {
		pid_t pid = whom(action + 5, worker);
		if (pid && kill(pid, stop ? SIGSTOP : SIGKILL) == 0 && stop)
			stopped = pid;
	} else if (strcmp(action, "worker") == 0)
		kill(worker, SIGKILL);
	else if (strcmp(action, "launcher") == 0)
		kill(launcher, SIGKILL);
	else if (strcmp(action, "caller") == 0)
		kill(caller, SIGKILL);
	else if (strncmp(action, "sig", 3) == 0)
		kill(launcher, atoi(action + 3));
	else {
		answer->flags = 0;
		answer->error = -atoi(action);
	}
}

static long milliseconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// repeated reports whether a call is a prctl that goes on with what the process's last did.
static int repeated(const struct seccomp_notif *ask) {
	static struct { __u32 pid; __u64 operation; } last[64];
	__u64 operation = ask->data.nr == SYS_prctl ? ask->data.args[0] : ~0ULL;
	int i = ask->pid % 64;
	int same = last[i].pid == ask->pid && last[i].operation == operation && operation != ~0ULL;
	last[i].pid = ask->pid;
	last[i].operation = operation;
	return same;
}

// waiting reports whether a call is the process's last one again: one that a signal has
// interrupted (the Go runtime sends itself some), or a look at what another one has to do.
static int waiting(const struct seccomp_notif *ask) {
	static struct seccomp_notif last[64];
	struct seccomp_notif *l = &last[ask->pid % 64];
	int same = l->pid == ask->pid && l->data.nr == ask->data.nr && memcmp(l->data.args, ask->data.args, sizeof l->data.args) == 0;
	*l = *ask;
	return same;
}

// serve answers the kernel's questions until nobody is left to ask, or until the end.
static void serve(int fd, int n, const char *action, long end) {
	struct seccomp_notif ask;
	struct seccomp_notif_resp answer;
	int count = 0, struck = 0, nr = -1;
	pid_t late = 0, settled = 0;
	__u64 operation = 0;
	long quiet = milliseconds(); // since when no process has come further
	for (;;) {
		struct pollfd p = {fd, POLLIN, 0};
		long left = end - milliseconds();
		if (stopped && left > 20 && milliseconds() - quiet >= 20) {
			kill(stopped, SIGCONT);
			quiet = milliseconds();
		}
		int n_ready = left <= 0 ? 0 : poll(&p, 1, stopped && left > 20 ? 20 : left);
		if (n_ready == 0 && stopped && left > 20)
			continue;
		if (n_ready <= 0 || !(p.revents & POLLIN))
			break;
		memset(&ask, 0, sizeof ask);
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &ask))
			continue;
		if (!waiting(&ask) || !struck)
			quiet = milliseconds();
		memset(&answer, 0, sizeof answer);
		answer.id = ask.id;
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		int counts = !repeated(&ask);
		count += counts;
		if (n == 0)
			dprintf(3, "call %d %llx %llx %u\n", ask.data.nr, ask.data.args[0], ask.data.args[1], ask.pid);
		if (count == n && counts) {
			struck = 1;
			nr = ask.data.nr;
			operation = ask.data.args[0];
			dprintf(3, "struck %d %llx %llx%s%s%s%s\n", ask.data.nr, ask.data.args[0], ask.data.args[1],
				launcher == (pid_t)ask.pid ? " launcher" : "", mapped(ask.pid) ? " mapped" : "", settled == (pid_t)ask.pid ? " settled" : "", late == (pid_t)ask.pid ? " late" : "");
			act(action, ask.pid, &answer);
		} else if (ask.data.nr == nr && atoi(action) && (nr != SYS_prctl || ask.data.args[0] == operation)) {
			act(action, ask.pid, &answer);
		}
		if (ask.data.nr == SYS_clone && ask.data.args[0] & CLONE_PARENT)
			late = ask.pid;
		if (ask.data.nr == SYS_prctl && ask.data.args[0] == PR_SET_PDEATHSIG && ask.data.args[1] == 0)
			settled = ask.pid;
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
	if (!struck)
		dprintf(3, "missed %d\n", count);
}

// reap waits for all children until the end; the caller's status goes to *status.
static void reap(int *status, long end) {
	int s;
	pid_t pid;
	while ((pid = waitpid(-1, &s, WNOHANG)) >= 0) {
		if (pid == caller)
			*status = s;
		if (pid == 0) {
			if (milliseconds() > end)
				return;
			usleep(500);
		}
	}
}

// slaughter kills what is left: all of it descends from this process.
static int slaughter(void) {
	int n = 0, pid;
	for (int round = 0; round < 50; round++) {
		FILE *f = fopen("/proc/thread-self/children", "re");
		int found = 0;
		while (f && fscanf(f, "%d", &pid) == 1) {
			found++;
			n += round == 0;
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		if (f)
			fclose(f);
		if (!found)
			break;
	}
	return n;
}

int main(int argc, char **argv) {
	int pair[2], status = -1, id = 0;
	if (argc > 2 && strcmp(argv[1], "-u") == 0) {
		id = atoi(argv[2]);
		argv += 2, argc -= 2;
	}
	if (argc < 6)
		return 99;
	unsigned low = strtoul(argv[1], NULL, 0), high = strtoul(argv[2], NULL, 0);
	char **program = argv + 5 + (strcmp(argv[5], "--") == 0);
	check(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "inject: subreaper");
	check(fcntl(3, F_SETFD, FD_CLOEXEC), "inject: fd 3");
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "inject: socketpair");
	caller = fork();
	check(caller < 0, "inject: fork");
	if (caller == 0) {
		pid_t child = fork();
		if (child == 0)
			launch(pair[1], atoi(argv[4]) != 0, low, high, program);
		close(pair[0]);
		close(pair[1]);
		if (id)
			check(setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id), "inject: ids");
		waitpid(child, &status, 0);
		_exit(passed_on(status));
	}
	close(pair[1]);
	check(read(pair[0], &launcher, sizeof launcher) != sizeof launcher, "inject: read");
	int fd = receive_fd(pair[0]);
	long end = milliseconds() + 120000;
	serve(fd, atoi(argv[3]), argv[4], end);
	reap(&status, end);
	int left = slaughter();
	if (left)
		dprintf(3, "left %d\n", left);
	if (WIFSIGNALED(status))
		dprintf(3, "signal %d\n", WTERMSIG(status));
	else
		dprintf(3, "status %d\n", WEXITSTATUS(status));
	return 0;
}
