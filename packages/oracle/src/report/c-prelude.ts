/** What every printed program begins with. */
export const C_PRELUDE: string = String.raw`
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define P 4096UL                /* page size */
#define A 0x100000000000UL      /* the window: page n is at A + n * P */
#define PAGES 4096UL

#define MAYBE __attribute__((unused)) static

static volatile int *step;      /* shared: the step that is to be done now; and the process that is ending */
static int me;
MAYBE int file[64], ring[256], rings, uffd = -1;
static sigjmp_buf fault;

/* Waits for the step, and until a process that ended in the one before is gone with its memory. */
static void turn(int n)
{
	char path[64], state = 'R';
	while (*step != n)
		sched_yield();
	snprintf(path, sizeof path, "/proc/%d/stat", step[1]);
	while (step[1] && state != 'Z') {
		FILE *f = fopen(path, "re");
		if (!f)
			break;
		if (fscanf(f, "%*d %*s %c", &state) != 1)
			state = 'Z';
		fclose(f);
	}
	step[1] = 0;
}

MAYBE void leave(int n)
{
	step[1] = getpid();
	*step = n + 1;
	_exit(0);
}

/* Prints the mappings of the window, pages counted from its start. */
static void show(void)
{
	char line[512];
	unsigned long start, end;
	int inside = 0;
	FILE *f = fopen("/proc/self/smaps", "re");
	while (f && fgets(line, sizeof line, f)) {
		char prot[8];
		if (sscanf(line, "%lx-%lx %7s", &start, &end, prot) == 3) {
			inside = start >= A && end <= A + PAGES * P;
			if (inside)
				printf("    [%lu, %lu) %s ", (start - A) / P, (end - A) / P, prot);
		} else if (inside && !strncmp(line, "VmFlags:", 8)) {
			printf("%s", line + 9);
		}
	}
	if (f)
		fclose(f);
}

static void done(int n) { show(); *step = n + 1; }

static void report(const char *what, long result)
{
	if (result == -1)
		printf("%d: process %d: %s: %s\n", *step, me, what, strerrorname_np(errno));
	else if ((unsigned long)result >= A && (unsigned long)result < A + PAGES * P)
		printf("%d: process %d: %s = page %lu\n", *step, me, what, (result - A) / P);
	else
		printf("%d: process %d: %s = %ld\n", *step, me, what, result);
}

#define CALL(...) report(#__VA_ARGS__, syscall(__VA_ARGS__))

static void on_fault(int sig) { siglongjmp(fault, sig); }

/* Accesses the first byte of every stride-th page. */
static void touch(unsigned long addr, unsigned long length, int stride, int write, int value)
{
	volatile unsigned long at = addr;
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	int sig = sigsetjmp(fault, 1);
	for (; !sig && at < addr + length; at += stride * P) {
		if (write)
			*(volatile char *)at = value;
		else
			(void)*(volatile char *)at;
	}
	printf("%d: process %d: %s [%lu, %lu): %s", *step, me, write ? "write" : "read", (addr - A) / P,
	       (addr + length - A) / P, sig ? strsignal(sig) : "done");
	printf(sig ? " at page %lu\n" : "\n", (at - A) / P);
}

MAYBE void limit(int what, unsigned long pages)
{
	const int which[] = {RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_DATA};
	struct rlimit l = {pages * P, RLIM_INFINITY};
	unsigned long total = 0, skipped, data = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f && fscanf(f, "%lu %lu %lu %lu %lu %lu", &total, &skipped, &skipped, &skipped, &skipped, &data) == 6)
		fclose(f);
	/* AS and DATA: on top of what there is (here: now, so put the call first if that matters). */
	l.rlim_cur += what == 1 ? total * P : what == 2 ? data * P : 0;
	l.rlim_max = l.rlim_cur;
	report("setrlimit", setrlimit(which[what], &l));
}

MAYBE void userfault(unsigned long addr, unsigned long length, int mode)
{
	struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_SIGBUS};
	struct uffdio_register r = {.range = {addr, length}, .mode = mode};
	if (uffd < 0 && ((uffd = syscall(SYS_userfaultfd, O_CLOEXEC)) < 0 || ioctl(uffd, UFFDIO_API, &api)))
		perror("userfaultfd");
	report("UFFDIO_REGISTER", ioctl(uffd, UFFDIO_REGISTER, &r));
}

/* A long-term pin: a buffer registered with an io_uring. */
MAYBE void pin(unsigned long addr, unsigned long length)
{
	struct io_uring_params params = {0};
	struct iovec range = {(void *)addr, length};
	ring[rings] = syscall(SYS_io_uring_setup, 1, &params);
	report("pin", syscall(SYS_io_uring_register, ring[rings], IORING_REGISTER_BUFFERS, &range, 1));
	rings++;
}

MAYBE void unpin(void)
{
	while (rings > 0) {
		syscall(SYS_io_uring_register, ring[--rings], IORING_UNREGISTER_BUFFERS, NULL, 0);
		close(ring[rings]);
	}
}

MAYBE void clear_soft_dirty(void)
{
	int f = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	report("clear_refs", write(f, "4", 1));
	close(f);
}
`.trim();

/** For programs in which the kernel chooses an address: everything outside the window is taken. */
export const C_TAKE_THE_REST: string = String.raw`
static void take(unsigned long start, unsigned long end, int zero)
{
	if (start < end)
		mmap((void *)start, end - start, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED_NOREPLACE, zero, 0);
}

static void take_the_rest(void)
{
	static char text[65536];
	unsigned long at = 65536, start, end;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	for (long n; (n = read(maps, text + have, sizeof text - 1 - have)) > 0;)
		have += n;
	for (char *line = text; sscanf(line, "%lx-%lx", &start, &end) == 2; line = strchr(line, '\n') + 1) {
		if (start >= 1UL << 47)
			break;
		take(at, start < A ? start : A, zero);
		take(at > A + PAGES * P ? at : A + PAGES * P, start, zero);
		at = end;
	}
	close(maps);
}
`.trim();
