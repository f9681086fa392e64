// victim prints facts about the process it finds itself in, one a line, for
// the compatibility suite. It asks the kernel by system calls where it can, so
// that it works in a sandbox without /proc, and it changes nothing about
// itself before it looks. Several sub-commands may follow one another:
//
//	victim ids caps ls /etc
//
// It is C, not Go, because a Go program has changed its signal dispositions,
// its file limit and its threads before main starts.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

// The rest of the command line, which sub-commands with operands eat from.
static char **rest;

static char *operand(void) {
	if (*rest == NULL) {
		fprintf(stderr, "victim: operand missing\n");
		exit(99);
	}
	return *rest++;
}

static void report(const char *what, int failed) {
	printf("%s: %s\n", what, failed ? strerrorname_np(errno) : "ok");
}

// cat_proc prints a small file of /proc with its runs of blanks made single.
static void cat_proc(const char *label, const char *path) {
	char buf[4096], *word, *line, *save1, *save2;
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		printf("%s: %s\n", label, strerrorname_np(errno));
		return;
	}
	size_t n = fread(buf, 1, sizeof buf - 1, f);
	fclose(f);
	buf[n] = 0;
	for (line = strtok_r(buf, "\n", &save1); line; line = strtok_r(NULL, "\n", &save1)) {
		printf("%s:", label);
		for (word = strtok_r(line, " \t", &save2); word; word = strtok_r(NULL, " \t", &save2))
			printf(" %s", word);
		printf("\n");
	}
}

static void cmd_ids(void) {
	uid_t r, e, s;
	gid_t groups[64];
	getresuid(&r, &e, &s);
	printf("uid: %u %u %u %u\n", r, e, s, setfsuid(-1));
	getresgid(&r, &e, &s);
	printf("gid: %u %u %u %u\n", r, e, s, setfsgid(-1));
	int n = getgroups(64, groups);
	printf("groups:");
	for (int i = 0; i < n; i++)
		printf(" %u", groups[i]);
	printf("\n");
}

static void cmd_maps(void) {
	cat_proc("uid_map", "/proc/self/uid_map");
	cat_proc("gid_map", "/proc/self/gid_map");
	cat_proc("setgroups", "/proc/self/setgroups");
}

static void cmd_caps(void) {
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];
	unsigned long long bnd = 0, amb = 0;
	syscall(SYS_capget, &h, d);
	for (int i = 0; i < 64; i++) {
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			bnd |= 1ULL << i;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1)
			amb |= 1ULL << i;
	}
	printf("CapInh: %08x%08x\n", d[1].inheritable, d[0].inheritable);
	printf("CapPrm: %08x%08x\n", d[1].permitted, d[0].permitted);
	printf("CapEff: %08x%08x\n", d[1].effective, d[0].effective);
	printf("CapBnd: %016llx\nCapAmb: %016llx\n", bnd, amb);
	printf("securebits: %d\n", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
}

static void cmd_lockdown(void) {
	printf("NoNewPrivs: %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("Seccomp: %d\n", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
	printf("dumpable: %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void cmd_pdeathsig(void) {
	int sig = 0;
	prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0);
	printf("pdeathsig: %d\n", sig);
}

static const char *kind(mode_t m) {
	return S_ISDIR(m) ? "dir" : S_ISREG(m) ? "file" : S_ISLNK(m) ? "link" : S_ISCHR(m) ? "chr"
	     : S_ISBLK(m) ? "blk" : S_ISFIFO(m) ? "pipe" : S_ISSOCK(m) ? "sock" : "other";
}

static void cmd_fds(void) {
	struct stat st;
	for (int fd = 0; fd < 1024; fd++) {
		int fl = fcntl(fd, F_GETFL);
		if (fl < 0)
			continue;
		fstat(fd, &st);
		printf("fd %d: %s %s%s\n", fd, kind(st.st_mode),
		       fl & O_PATH ? "path" : (fl & O_ACCMODE) == O_RDONLY ? "r" : (fl & O_ACCMODE) == O_WRONLY ? "w" : "rw",
		       fcntl(fd, F_GETFD) & FD_CLOEXEC ? " cloexec" : "");
	}
}

static void cmd_limits(void) {
	struct rlimit l;
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		getrlimit(i, &l);
		printf("limit %d: %lld %lld\n", i, (long long)l.rlim_cur, (long long)l.rlim_max);
	}
}

static void cmd_signals(void) {
	sigset_t set;
	struct sigaction sa;
	sigprocmask(SIG_BLOCK, NULL, &set);
	printf("blocked:");
	for (int i = 1; i < 65; i++)
		if (sigismember(&set, i) == 1)
			printf(" %d", i);
	printf("\nignored:");
	for (int i = 1; i < 65; i++)
		if (sigaction(i, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			printf(" %d", i);
	printf("\n");
}

static void cmd_env(void) {
	for (char **e = environ; *e; e++)
		printf("env: %s\n", *e);
}

static void cmd_cwd(void) {
	char buf[4096];
	char *d = getcwd(buf, sizeof buf);
	printf("cwd: %s\n", d ? d : strerrorname_np(errno));
}

static void cmd_umask(void) {
	mode_t m = umask(0);
	umask(m);
	printf("umask: %04o\n", m);
}

// mounts prints the mount table: where, what kind, which root, flags and
// whether changes propagate. Numbers that vary from run to run are left out.
static void cmd_mounts(void) {
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	if (f == NULL) {
		report("mounts", 1);
		return;
	}
	while (getline(&line, &size, f) > 0) {
		char root[4096], at[4096], flags[512], type[64], src[4096], super[4096];
		char *dash = strstr(line, " - ");
		if (sscanf(line, "%*s %*s %*s %4095s %4095s %511s", root, at, flags) != 3 || dash == NULL)
			continue;
		*dash = 0;
		const char *prop = strstr(line, " shared:") ? (strstr(line, " master:") ? "shared+slave" : "shared")
		                 : strstr(line, " master:") ? "slave" : strstr(line, " unbindable") ? "unbindable" : "private";
		super[0] = 0;
		sscanf(dash + 3, "%63s %4095s %4095s", type, src, super);
		int ours = !strcmp(type, "tmpfs") || !strcmp(type, "overlay") || !strcmp(type, "devpts") || !strcmp(type, "proc") || !strcmp(type, "mqueue");
		printf("mount %s: %s %s %s %s %s\n", at, type, root, flags, prop, ours ? super : "-");
	}
	fclose(f);
}

// mount PATH prints the flags of the mount that holds one path.
static void cmd_mount(void) {
	char *path = operand();
	struct statvfs v;
	struct statfs s;
	if (statvfs(path, &v) || statfs(path, &s)) {
		report(path, 1);
		return;
	}
	printf("%s: %lx%s%s%s%s\n", path, (long)s.f_type, v.f_flag & ST_RDONLY ? " ro" : " rw", v.f_flag & ST_NOSUID ? " nosuid" : "",
	       v.f_flag & ST_NODEV ? " nodev" : "", v.f_flag & ST_NOEXEC ? " noexec" : "");
}

static void one(const char *path, const char *name) {
	struct stat st;
	char link[4096];
	if (lstat(path, &st)) {
		report(name, 1);
		return;
	}
	printf("%s: %s %04o %u:%u", name, kind(st.st_mode), st.st_mode & 07777, st.st_uid, st.st_gid);
	if (S_ISREG(st.st_mode))
		printf(" %lld bytes, %lu names", (long long)st.st_size, (unsigned long)st.st_nlink);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		printf(" %u,%u", major(st.st_rdev), minor(st.st_rdev));
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(path, link, sizeof link - 1);
		link[n < 0 ? 0 : n] = 0;
		printf(" -> %s", link);
	}
	printf("\n");
}

static void cmd_stat(void) {
	char *path = operand();
	one(path, path);
}

static int not_dots(const struct dirent *d) {
	return strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
}

static void tree(const char *path, int depth) {
	struct dirent **names;
	char sub[8192];
	struct stat st;
	int n = scandir(path, &names, not_dots, alphasort);
	if (n < 0)
		report(path, 1);
	for (int i = 0; i < n; i++) {
		snprintf(sub, sizeof sub, "%s/%s", strcmp(path, "/") ? path : "", names[i]->d_name);
		one(sub, sub);
		if (depth > 0 && lstat(sub, &st) == 0 && S_ISDIR(st.st_mode))
			tree(sub, depth - 1);
		free(names[i]);
	}
}

static void cmd_ls(void) {
	char *path = operand();
	one(path, path);
	tree(path, 0);
}

static void cmd_tree(void) {
	char *path = operand();
	one(path, path);
	tree(path, 9);
}

static void copy(int fd) {
	char buf[65536], last = '\n';
	ssize_t n;
	while ((n = read(fd, buf, sizeof buf)) > 0) {
		fwrite(buf, 1, n, stdout);
		last = buf[n - 1];
	}
	if (n < 0)
		report("read", 1);
	if (last != '\n')
		printf("\n");
}

static void cmd_cat(void) {
	char *path = operand();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		report(path, 1);
		return;
	}
	copy(fd);
	close(fd);
}

static void cmd_read(void) {
	fflush(stdout);
	copy(atoi(operand()));
}

static void cmd_write(void) {
	char *path = operand(), *text = operand();
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	report(path, fd < 0 || write(fd, text, strlen(text)) < 0);
	if (fd >= 0)
		close(fd);
}

static void cmd_mkdir(void) {
	char *path = operand();
	report(path, mkdir(path, 0777));
}

static void cmd_open(void) {
	char *path = operand();
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	report(path, fd < 0);
	if (fd >= 0)
		close(fd);
}

static void cmd_hostname(void) {
	struct utsname u;
	uname(&u);
	printf("hostname: %s\n", u.nodename);
}

// ns prints which of its namespaces differ from the inode numbers in $NS,
// which holds words such as user=4026531837.
static void cmd_ns(void) {
	static const char *names[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
	char path[64], link[64], want[96];
	const char *old = getenv("NS");
	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
		ssize_t n = readlink(path, link, sizeof link - 1);
		if (n < 0) {
			report(path, 1);
			continue;
		}
		link[n] = 0;
		snprintf(want, sizeof want, "%s", link);
		printf("ns %s: %s\n", names[i], old && strstr(old, want) ? "same" : "new");
	}
}

static void cmd_pids(void) {
	printf("pid: %s\nppid: %s\n", getpid() == 1 ? "1" : getpid() == 2 ? "2" : getpid() == 3 ? "3" : "big", getppid() == 0 ? "0" : getppid() == 1 ? "1" : "big");
}

static const char *which(pid_t p) {
	static char buf[16];
	if (p == getpid())
		return "self";
	if (p > 9)
		return "big";
	snprintf(buf, sizeof buf, "%d", p);
	return buf;
}

static void cmd_session(void) {
	printf("sid: %s\n", which(getsid(0)));
	printf("pgid: %s\n", which(getpgid(0)));
	if (getpid() != 1 && getsid(1) >= 0) {
		printf("init sid: %s\n", which(getsid(1)));
		printf("init pgid: %s\n", which(getpgid(1)));
	}
}

static void cmd_tty(void) {
	for (int i = 0; i < 3; i++)
		printf("tty %d: %s\n", i, isatty(i) ? "yes" : "no");
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	report("/dev/tty", fd < 0);
	if (fd >= 0)
		close(fd);
}

static void try_loopback(const char *name, int family) {
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr *a = family == AF_INET ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6;
	socklen_t len = family == AF_INET ? sizeof a4 : sizeof a6;
	int l = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), c = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	report(name, l < 0 || c < 0 || bind(l, a, len) || listen(l, 1) || getsockname(l, a, &len) || connect(c, a, len));
	close(l);
	close(c);
}

static void cmd_lo(void) {
	struct if_nameindex *all = if_nameindex();
	struct ifreq r = {.ifr_name = "lo"};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), n = 0;
	while (all && all[n].if_index)
		n++;
	ioctl(s, SIOCGIFFLAGS, &r);
	close(s);
	printf("interfaces: %d\nlo: %s\n", n, r.ifr_flags & IFF_UP ? "up" : "down");
	try_loopback("127.0.0.1", AF_INET);
	try_loopback("::1", AF_INET6);
}

static void cmd_abstract(void) {
	report("abstract socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0);
}

// unshare tries to make one more user namespace, in a child.
static void cmd_unshare(void) {
	fflush(stdout);
	pid_t p = fork();
	if (p == 0) {
		report("unshare user", unshare(CLONE_NEWUSER));
		fflush(stdout);
		_exit(0);
	}
	waitpid(p, NULL, 0);
}

// call NUMBER makes a bare system call with no arguments and prints its error.
static void cmd_call(void) {
	char *number = operand();
	printf("call %s: %s\n", number, syscall(atoi(number), 0, 0, 0, 0, 0, 0) < 0 ? strerrorname_np(errno) : "ok");
}

static void cmd_locked(void) {
	char *path = operand();
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CLOEXEC);
	// The reaper may take the lock a little after the command has begun.
	for (int i = 0; i < 30; i++) {
		l.l_type = F_WRLCK;
		if (fd < 0 || fcntl(fd, F_GETLK, &l)) {
			report(path, 1);
			return;
		}
		if (l.l_type != F_UNLCK)
			break;
		usleep(10000);
	}
	printf("%s: %s", path, l.l_type == F_UNLCK ? "unlocked\n" : l.l_type == F_RDLCK ? "read lock" : "write lock");
	if (l.l_type != F_UNLCK)
		printf(" of pid %s, %lld+%lld\n", l.l_pid == 1 ? "1" : "other", (long long)l.l_start, (long long)l.l_len);
	close(fd);
}

// lock takes a write lock, and keeps the file open for it.
static void cmd_lock(void) {
	char *path = operand();
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_SETLK, &l))
		report(path, 1);
}

// init prints what can be seen of PID 1: descriptors, signals, working directory.
static void cmd_init(void) {
	static const char *want[] = {"Name:", "State:", "Uid:", "Gid:", "SigBlk:", "SigIgn:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:"};
	char line[512], link[4096];
	struct dirent **names;
	usleep(50000); // let it finish what it does besides starting the command
	FILE *f = fopen("/proc/1/status", "re");
	while (f && fgets(line, sizeof line, f))
		for (size_t i = 0; i < sizeof want / sizeof *want; i++)
			if (!strncmp(line, want[i], strlen(want[i])))
				printf("init %s", line);
	if (f)
		fclose(f);
	ssize_t n = readlink("/proc/1/cwd", link, sizeof link - 1);
	printf("init cwd: %.*s\n", n < 0 ? 3 : (int)n, n < 0 ? "???" : link);
	int k = scandir("/proc/1/fd", &names, not_dots, versionsort);
	printf("init fds:");
	if (k < 0)
		printf(" %s", strerrorname_np(errno));
	for (int i = 0; i < k; i++)
		printf(" %s", names[i]->d_name);
	printf("\n");
}

static void cmd_kill(void) {
	fflush(stdout);
	signal(atoi(*rest ? *rest : "9"), SIG_DFL);
	kill(getpid(), atoi(operand()));
	pause();
}

static void cmd_exit(void) {
	fflush(stdout);
	_exit(atoi(operand()));
}

static void cmd_block(void) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, atoi(operand()));
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void cmd_close(void) {
	close(atoi(operand()));
}

// refuse FIRST ERRNO makes every system call numbered FIRST and up fail.
static void cmd_refuse(void) {
	unsigned first = atoi(operand()), error = atoi(operand());
	struct sock_filter list[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof list / sizeof *list, list};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		report("refuse", 1);
}

static void cmd_echo(void) {
	printf("%s\n", operand());
}

static void cmd_sleep(void) {
	fflush(stdout);
	usleep(atoi(operand()) * 1000);
}

// orphan TEXT PATH leaves a grandchild behind, which waits a little, says to
// whom it belongs and ends.
static void cmd_orphan(void) {
	char *path = operand();
	int ms = atoi(operand());
	fflush(stdout);
	if (fork() == 0) {
		setsid();
		usleep(ms * 1000);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		dprintf(fd, "parent %s\n", which(getppid()));
		_exit(0);
	}
}

// leave ends this process, while a child of it, in a session of its own, goes
// on with the sub-commands that follow.
static void cmd_leave(void) {
	fflush(stdout);
	if (fork() != 0)
		_exit(0);
	setsid();
}

// exec runs the words that follow, without a search.
static void cmd_exec(void) {
	fflush(stdout);
	execv(rest[0], rest);
	report("exec", 1);
	exit(99);
}

static char **all;

static void cmd_argv(void) {
	for (char **a = all; *a; a++)
		printf("arg: %s\n", *a);
	rest = all;
	while (*rest)
		rest++;
}

static void cmd_suid(void) {
	fflush(stdout);
	pid_t p = fork();
	if (p == 0) {
		report("setuid 0", setuid(0));
		fflush(stdout);
		_exit(0);
	}
	waitpid(p, NULL, 0);
}

static void cmd_mknod(void) {
	char *path = operand();
	report(path, mknod(path, S_IFCHR | 0600, makedev(1, 3)));
}

static void cmd_fdpath(void) {
	int fd = atoi(operand());
	char link[64], target[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, target, sizeof target - 1);
	printf("fd %d is %.*s\n", fd, n < 0 ? 4 : (int)n, n < 0 ? "gone" : target);
}

static const struct {
	const char *name;
	void (*run)(void);
} commands[] = {
    {"ids", cmd_ids}, {"maps", cmd_maps}, {"caps", cmd_caps}, {"lockdown", cmd_lockdown},
    {"pdeathsig", cmd_pdeathsig}, {"fds", cmd_fds}, {"limits", cmd_limits}, {"signals", cmd_signals},
    {"env", cmd_env}, {"cwd", cmd_cwd}, {"umask", cmd_umask}, {"mounts", cmd_mounts},
    {"mount", cmd_mount}, {"stat", cmd_stat}, {"ls", cmd_ls}, {"tree", cmd_tree},
    {"cat", cmd_cat}, {"read", cmd_read}, {"write", cmd_write}, {"mkdir", cmd_mkdir},
    {"open", cmd_open}, {"hostname", cmd_hostname}, {"ns", cmd_ns}, {"pids", cmd_pids},
    {"session", cmd_session}, {"tty", cmd_tty}, {"lo", cmd_lo}, {"socket", cmd_abstract},
    {"unshare", cmd_unshare}, {"call", cmd_call}, {"locked", cmd_locked}, {"lock", cmd_lock}, {"init", cmd_init},
    {"kill", cmd_kill}, {"close", cmd_close}, {"block", cmd_block}, {"leave", cmd_leave}, {"refuse", cmd_refuse}, {"exit", cmd_exit}, {"echo", cmd_echo}, {"sleep", cmd_sleep},
    {"orphan", cmd_orphan}, {"exec", cmd_exec}, {"argv", cmd_argv}, {"setuid", cmd_suid},
    {"mknod", cmd_mknod}, {"fdpath", cmd_fdpath},
};

static int run(const char *name) {
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(name, commands[i].name)) {
			commands[i].run();
			return 1;
		}
	return 0;
}

int main(int argc, char **argv) {
	(void)argc;
	all = argv;
	rest = argv + 1;
	while (*rest) {
		char *name = *rest++;
		if (!run(name)) {
			fprintf(stderr, "victim: unknown sub-command %s\n", name);
			return 99;
		}
	}
	return 0;
}
