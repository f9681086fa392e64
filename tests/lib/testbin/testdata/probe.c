// probe is what the tests run in a sandbox, and around one. It is C, since a Go
// program has changed limits, signals and threads before main starts. Its words are
// carried out one after another:
//
//	facts              all that a process inherits, one fact a line
//	facts-to FILE      the same, into a file
//	mark FD            write "ran" to FD
//	echo WORD          print it
//	where              the working directory, if it is one
//	init               what can be learnt about PID 1, and taken from it
//	read FD, close FD  read to the end; close
//	pause              wait for a signal
//	heed               print the number of each signal, until it is SIGWINCH
//	leave              end, while a child goes on with the words that follow
//	attack DIR NAME TO rename NAME and TO in DIR into each other's place until killed
//	locked FILE        who holds a lock on FILE
//	hold FILE          take a write lock on it
//	raise N, exit N    end
//	input FD SIG       have the kernel send SIG to those who read FD when there is input
//	show FILE          print a file
//	many DIR N         mount something on DIR/0 to DIR/N-1
//	writable DIR       try to write there
//	rw DIR             try to make the mount at DIR writable, in several ways
//	limit N SOFT HARD, ignore SIG, default SIG, block SIG, umask OCTAL, cpu N,
//	nice N, slack N, oom N, open KIND FD, nofds, become ID, die
//	                   be a caller with peculiar habits; KIND is one of file, pipe,
//	                   socket, memfd; nofds closes all but 0 to 2, die is for PDEATHSIG
//	reveal             try, with all that a user namespace gives, to unmount the root
//	in DIR             go there
//	exec WORD...       become another program
//	bare PROGRAM ENV... -- ARGS...   the same with this environment, as it stands
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char **rest;

static char *word(void) {
	if (*rest == NULL) {
		fprintf(stderr, "probe: operand missing\n");
		exit(99);
	}
	return *rest++;
}

static int number(void) { return atoi(word()); }

static void said(const char *what, long result) {
	printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
}

#include "habits.h"

static void signals(void) {
	for (int i = 1; i < 65; i++) {
		// Straight from the kernel: the C library hides 32 and 33.
		struct { void *handler; unsigned long flags, restorer, mask; } raw = {0};
		unsigned long mask = 0;
		syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
		syscall(SYS_rt_sigaction, i, NULL, &raw, 8);
		if (raw.handler || mask >> (i - 1) & 1)
			printf("signal %d: %s%s\n", i, raw.handler ? "ignored " : "", mask >> (i - 1) & 1 ? "blocked" : "");
	}
}

static void files(void) {
	struct stat st;
	for (int fd = 0; fd < 70000; fd++) {
		int flags = fcntl(fd, F_GETFL);
		if (flags < 0 || fstat(fd, &st))
			continue;
		printf("fd %d: %o flags %o %d\n", fd, st.st_mode & S_IFMT, flags, fcntl(fd, F_GETFD));
	}
}

static void show(const char *path) {
	char text[4000];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n > 0)
		printf("%s: %.*s", path, (int)n, text);
	close(fd);
}

static void facts(char **argv) {
	struct rlimit l;
	cpu_set_t cpus;
	signals();
	files();
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		getrlimit(i, &l);
		printf("limit %d: %lu %lu\n", i, (unsigned long)l.rlim_cur, (unsigned long)l.rlim_max);
	}
	for (char **a = argv; *a; a++)
		printf("arg: %s\n", *a);
	for (char **e = environ; *e; e++)
		printf("env: %s\n", *e);
	mode_t mask = umask(0);
	umask(mask);
	printf("umask: %o\n", mask);
	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof cpus, &cpus);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &cpus))
			printf("cpu: %d\n", i);
	printf("nice: %d\n", getpriority(PRIO_PROCESS, 0));
	printf("scheduler: %d\n", sched_getscheduler(0));
	printf("dumpable: %d\n", prctl(PR_GET_DUMPABLE));
	printf("timerslack: %d\n", prctl(PR_GET_TIMERSLACK));
	printf("subreaper: %d\n", prctl(PR_GET_CHILD_SUBREAPER, &(int){0}));
	printf("keepcaps: %d\n", prctl(PR_GET_KEEPCAPS));
	printf("securebits: %d\n", prctl(PR_GET_SECUREBITS));
	printf("thp: %d\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	printf("ids: %u %u %u %u\n", getuid(), geteuid(), getgid(), getegid());
	int sig = -1;
	prctl(PR_GET_PDEATHSIG, &sig);
	printf("pdeathsig: %d\n", sig);
	show("/proc/self/oom_score_adj");
	show("/proc/self/personality");
	show("/proc/self/coredump_filter");
	show("/proc/self/comm");
}

// print copies a file to the output.
static void print(const char *path) {
	char part[1 << 16];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	while ((n = read(fd, part, sizeof part)) > 0)
		fwrite(part, 1, n, stdout);
	close(fd);
}

// many mounts a file system on each of the directories 0 to N-1 in DIR.
static void many(void) {
	char path[PATH_MAX], *dir = word();
	for (int i = 0, n = number(); i < n; i++) {
		snprintf(path, sizeof path, "%s/%d", dir, i);
		if (mount("none", path, "tmpfs", 0, "size=4k"))
			perror(path);
	}
}

static void list(const char *dir) {
	char path[300], link[300];
	DIR *d = opendir(dir);
	said(dir, d ? 0 : -1);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		ssize_t n = readlink(path, link, sizeof link - 1);
		printf("init fd %s: %.*s\n", e->d_name, n < 0 ? 1 : (int)n, n < 0 ? "?" : link);
	}
	if (d)
		closedir(d);
}

static void taken(const char *path, int flags) {
	int fd = open(path, flags);
	said(path, fd);
	if (fd >= 0)
		close(fd);
}

static void init(void) {
	list("/proc/1/fd"); // the very first thing: there may be a race to win
	char byte;
	struct iovec here = {&byte, 1}, there = {&environ, 1};
	taken("/proc/1/mem", O_RDONLY);
	taken("/proc/1/environ", O_RDONLY);
	taken("/proc/1/maps", O_RDONLY);
	taken("/proc/1/exe", O_RDONLY);
	taken("/proc/1/exe", O_WRONLY);
	taken("/proc/1/root", O_RDONLY);
	taken("/proc/1/cwd", O_RDONLY);
	said("readv", process_vm_readv(1, &here, 1, &there, 1, 0));
	said("writev", process_vm_writev(1, &here, 1, &there, 1, 0));
	int pidfd = syscall(SYS_pidfd_open, 1, 0);
	for (int fd = 0; pidfd >= 0 && fd < 1100; fd++)
		if (syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0)
			printf("stolen: %d\n", fd);
		else if (errno != EBADF) {
			said("getfd", -1);
			break;
		}
	said("seize", ptrace(PTRACE_SEIZE, 1, 0, 0));
}

static void attack(void) {
	char *dir = word(), *a = word(), *b = word();
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (fd >= 0 && syscall(SYS_renameat2, fd, a, fd, b, 2 /* RENAME_EXCHANGE */) == 0)
		;
	perror("probe: attack");
	exit(98);
}

static void locked(void) {
	char *path = word();
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_GETLK, &l))
		said("locked", -1);
	else
		printf("locked: %s %d\n", l.l_type == F_UNLCK ? "no" : l.l_type == F_RDLCK ? "read" : "write", l.l_type == F_UNLCK ? 0 : l.l_pid);
}

static void hold(void) {
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(open(word(), O_RDWR | O_CLOEXEC), F_SETLK, &l))
		perror("probe: hold");
}

// where prints the working directory, and whether climbing from it ends at the root.
static void where(void) {
	char here[PATH_MAX];
	struct stat top, climbed;
	char *cwd = getcwd(here, sizeof here);
	for (int i = 0; i < 100; i++)
		if (chdir(".."))
			break;
	if (cwd == NULL || cwd[0] != '/' || stat("/", &top) || stat(".", &climbed) || top.st_ino != climbed.st_ino || top.st_dev != climbed.st_dev)
		printf("outside %s\n", cwd ? cwd : "");
	else
		printf("%s\n", cwd);
}

static void writable(const char *dir) {
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/e2e-written", dir);
	said("write", open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void rw(void) {
	char *dir = word();
	struct { unsigned long set, clear, propagation, userns; } attr = {0, 1 /* MOUNT_ATTR_RDONLY */, 0, 0};
	said("remount rw", mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND, NULL));
	said("remount suid", mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	said("setattr", syscall(442, AT_FDCWD, dir, 0, &attr, sizeof attr));
	said("umount", umount2(dir, MNT_DETACH));
	writable(dir);
}

static void reveal(void) {
	said("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNS));
	said("umount", umount2("/", MNT_DETACH));
}

static void bare(void) {
	char *program = word(), **env = rest;
	while (*rest && strcmp(*rest, "--"))
		rest++;
	char **argv = *rest ? rest + 1 : rest;
	*rest = NULL;
	execve(program, argv, env);
	perror(program);
	exit(127);
}

// heed prints the number of each signal that comes, until it is SIGWINCH.
static void heed(void) {
	sigset_t all;
	int sig;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	printf("ready\n");
	do {
		fflush(stdout);
		sigwait(&all, &sig);
		printf("%d\n", sig);
	} while (sig != SIGWINCH);
}

static int one(const char *what, char **argv) {
	char byte[4096];
	ssize_t n;
	if (!strcmp(what, "facts"))
		facts(argv);
	else if (!strcmp(what, "facts-to")) {
		FILE *f = fopen(word(), "we"); // the one file of ours
		int fd = f ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 500) : -1;
		if (fd < 0)
			_exit(98);
		fclose(f);
		stdout = fdopen(fd, "w");
		facts(argv);
	} else if (!strcmp(what, "mark")) {
		if (write(number(), "ran", 3) != 3)
			perror("mark");
	} else if (!strcmp(what, "echo"))
		printf("%s\n", word());
	else if (!strcmp(what, "where"))
		where();
	else if (!strcmp(what, "init"))
		init();
	else if (!strcmp(what, "read"))
		for (int fd = number(); (n = read(fd, byte, sizeof byte)) > 0;)
			fwrite(byte, 1, n, stdout);
	else if (!strcmp(what, "close"))
		close(number());
	else if (!strcmp(what, "pause"))
		pause();
	else if (!strcmp(what, "leave")) {
		if (fork())
			_exit(0);
		setsid();
	} else if (!strcmp(what, "attack"))
		attack();
	else if (!strcmp(what, "locked"))
		locked();
	else if (!strcmp(what, "show"))
		print(word());
	else if (!strcmp(what, "many"))
		many();
	else if (!strcmp(what, "hold"))
		hold();
	else if (!strcmp(what, "heed"))
		heed();
	else if (!strcmp(what, "raise")) {
		int sig = number();
		kill(getpid(), sig);
	} else if (!strcmp(what, "input")) {
		int fd = number(), sig = number();
		fcntl(fd, F_SETSIG, sig);
		printf("input: %s\n", fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC) ? strerrorname_np(errno) : "ok");
	} else if (!strcmp(what, "exit"))
		_exit(number());
	else if (!strcmp(what, "writable"))
		writable(word());
	else if (!strcmp(what, "rw"))
		rw();
	else if (!strcmp(what, "reveal"))
		reveal();
	else if (!strcmp(what, "in")) {
		if (chdir(word()))
			perror("probe: in");
	} else if (!strcmp(what, "exec")) {
		execvp(*rest, rest);
		perror(*rest);
		exit(127);
	} else if (!strcmp(what, "bare"))
		bare();
	else if (!prepare(what))
		return 0;
	fflush(stdout);
	return 1;
}

int main(int argc, char **argv) {
	(void)argc;
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	rest = argv + (argc > 0);
	while (*rest) {
		char *what = *rest++;
		if (!one(what, argv)) {
			fprintf(stderr, "probe: what is %s?\n", what);
			return 99;
		}
	}
	return 0;
}
