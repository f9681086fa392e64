// The words of probe with which it becomes a caller with peculiar habits.

static void limit(void) {
	int which = number();
	struct rlimit l = {number(), 0};
	l.rlim_max = number();
	if (setrlimit(which, &l))
		perror("probe: setrlimit");
}

static void block(void) {
	unsigned long mask = 1UL << (number() - 1);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8);
}

static void cpu(void) {
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(number(), &cpus);
	if (sched_setaffinity(0, sizeof cpus, &cpus))
		perror("probe: sched_setaffinity");
}

static void oom(void) {
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	dprintf(fd, "%s", word());
	close(fd);
}

static void open_one(void) {
	char *kind = word();
	int fd = number(), pair[2] = {-1, -1};
	if (!strcmp(kind, "file"))
		pair[0] = open("/etc/passwd", O_RDONLY);
	else if (!strcmp(kind, "pipe"))
		pair[0] = pipe(pair) ? -1 : pair[0];
	else if (!strcmp(kind, "socket"))
		pair[0] = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? -1 : pair[0];
	else if (!strcmp(kind, "memfd"))
		pair[0] = syscall(SYS_memfd_create, "e2e", 0);
	if (pair[0] < 0)
		perror("probe: open");
	if (pair[0] != fd) {
		dup2(pair[0], fd);
		close(pair[0]);
	}
	if (pair[1] != fd)
		close(pair[1]);
}

static void become(void) {
	unsigned id = strtoul(word(), NULL, 10);
	if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id)) {
		perror("probe: become");
		exit(99);
	}
}

static int prepare(const char *what) {
	if (!strcmp(what, "limit"))
		limit();
	else if (!strcmp(what, "ignore"))
		signal(number(), SIG_IGN);
	else if (!strcmp(what, "default"))
		signal(number(), SIG_DFL);
	else if (!strcmp(what, "block"))
		block();
	else if (!strcmp(what, "umask"))
		umask(strtol(word(), NULL, 8));
	else if (!strcmp(what, "cpu"))
		cpu();
	else if (!strcmp(what, "nice"))
		setpriority(PRIO_PROCESS, 0, number());
	else if (!strcmp(what, "slack"))
		prctl(PR_SET_TIMERSLACK, number());
	else if (!strcmp(what, "oom"))
		oom();
	else if (!strcmp(what, "open"))
		open_one();
	else if (!strcmp(what, "nofds"))
		close_range(3, ~0U, 0);
	else if (!strcmp(what, "become"))
		become();
	else if (!strcmp(what, "die"))
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	else
		return 0;
	return 1;
}
