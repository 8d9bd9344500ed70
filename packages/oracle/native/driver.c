/* SPDX-License-Identifier: MIT */
/*
 * The worker: reads programs, starts a process for each, hands back what was recorded.
 *
 * Frames in:  [bytes that follow][program id][operations][milliseconds allowed], then the operations.
 * Frames out: [bytes that follow][program id][status][records], then the records (see report_state).
 * The first frame out is the greeting (see greet).
 *
 * It ends when stdin ends or its parent dies; every process of a program dies with it (PR_SET_PDEATHSIG).
 */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct control *control;
struct self self;
unsigned long page_size;
int worker_pid;

enum status { STATUS_COMPLETE = 0, STATUS_DIED = 1, STATUS_HUNG = 2, STATUS_OVERFLOW = 3, STATUS_NO_PROCESS = 4 };

static int read_all(void *to, size_t bytes)
{
	for (size_t have = 0; have < bytes;) {
		long n = read(0, (char *)to + have, bytes - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		have += (size_t)n;
	}
	return 1;
}

static void write_all(const void *from, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		long n = write(1, (const char *)from + done, bytes - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		done += (size_t)n;
	}
}

static void on_child(int signal)
{
	(void)signal;
	__atomic_add_fetch(&control->worker_wake, 1, __ATOMIC_RELEASE);
}

static uint64_t milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Which process number has this pid, or -1. */
static int process_of(int pid)
{
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (control->pids[i] == pid)
			return i;
	return -1;
}

static void end_all(void)
{
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (control->pids[i] > 0)
			kill(control->pids[i], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	memset(control->pids, 0, sizeof control->pids);
}

/* Files belong to no process of the program: they are made before it starts and every process has them. */
static void make_files(void)
{
	for (uint32_t i = 0; i < control->count; i++) {
		struct operation *op = &control->operations[i];
		if (op->code != OP_MEMFD)
			continue;
		int file = memfd_create("vmakit", MFD_CLOEXEC);
		if (file >= 0 && ftruncate(file, (off_t)op->length) != 0) {
			close(file);
			file = -1;
		}
		op->reserved = (uint64_t)(int64_t)file;
	}
}

static void close_files(void)
{
	for (uint32_t i = 0; i < control->count; i++)
		if (control->operations[i].code == OP_MEMFD && (int)control->operations[i].reserved >= 0)
			close((int)control->operations[i].reserved);
}

static void start_first_process(void)
{
	self.number = 0;
	control->turn = 0;
	if (clone_process(0, 0) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != worker_pid)
			_exit(1);
		signal(SIGCHLD, SIG_DFL);
		open_state_files();
		process_main();
	}
}

/* A process that asked to end is gone now: on with the next one. */
static void pass_on_after_exit(void)
{
	control->exiting = 0;
	control->pids[control->exiting_process] = 0;
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (control->pids[i]) {
			uint32_t next = control->operations[control->next].process;
			uint32_t turn = next < MAX_PROCESSES && control->pids[next] ? next : (uint32_t)i;
			__atomic_store_n(&control->turn, turn, __ATOMIC_RELEASE);
			wake(&control->turn);
			return;
		}
	control->done = 1;
}

/* Waits until the program is through. */
static enum status supervise(uint32_t allowed_ms)
{
	uint64_t deadline = milliseconds() + allowed_ms;
	uint32_t seen_next = control->next;
	for (;;) {
		uint32_t tick = __atomic_load_n(&control->worker_wake, __ATOMIC_ACQUIRE);
		int wait_status, pid;
		while (!control->done && (pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
			if (pid == control->exiting) {
				pass_on_after_exit();
				continue;
			}
			if (control->done)
				break;
			int process = process_of(pid);
			if (process >= 0)
				control->pids[process] = 0;
			set_result(OUTCOME_DIED, (uint64_t)wait_status);
			return STATUS_DIED;
		}
		if (control->done)
			return control->overflow ? STATUS_OVERFLOW : STATUS_COMPLETE;
		if (control->next != seen_next) {
			seen_next = control->next;
			deadline = milliseconds() + allowed_ms;
		} else if (milliseconds() >= deadline) {
			set_result(OUTCOME_HUNG, 0);
			return STATUS_HUNG;
		}
		wait_while(&control->worker_wake, tick);
	}
}

static void run_program(uint32_t id, uint32_t allowed_ms)
{
	control->worker_wake = control->done = control->next = control->out = control->record = 0;
	control->overflow = control->forked = 0;
	control->exiting = 0;
	memset(control->pids, 0, sizeof control->pids);
	for (int i = 0; i < MAX_FILES; i++)
		control->files[i] = -1;
	/* Room for the frame's own header. */
	put(0), put(id), put(0), put(0);
	make_files();
	start_first_process();
	enum status status = control->pids[0] ? supervise(allowed_ms) : STATUS_NO_PROCESS;
	end_all();
	close_files();
	control->output[0] = (control->out - 1) * 4;
	control->output[2] = status;
	control->output[3] = control->next;
	write_all(control->output, control->out * 4ul);
}

static uint32_t probe_zero_frame(uint64_t *entry)
{
	volatile char *page = mmap(NULL, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)*page;
	*entry = pagemap_entry((unsigned long)page);
	munmap((void *)page, page_size);
	return (uint32_t)(*entry & 0x7fffffffffffffull);
}

static int available(long result)
{
	if (result >= 0)
		close((int)result);
	return result >= 0;
}

/*
 * [bytes][version][page size][zero frame][kpageflags][userfaultfd][pins][mseal][mappings outside][memlock pages]
 * The zero frame is 0 when frame numbers are hidden from us.
 */
static void greet(void)
{
	uint64_t entry;
	struct rlimit lock = {0};
	char ring[128] = {0};
	getrlimit(RLIMIT_MEMLOCK, &lock);
	errno = 0;
	syscall(462, 1ul, 0ul, 0ul);
	const int has_mseal = errno != ENOSYS;
	const uint32_t words[] = {
		0,
		PROTOCOL_VERSION,
		(uint32_t)page_size,
		probe_zero_frame(&entry),
		self.kpagecount >= 0 && self.kpageflags >= 0,
		(uint32_t)available(open_uffd()),
		(uint32_t)available(syscall(SYS_io_uring_setup, 1, ring)),
		(uint32_t)has_mseal,
		(uint32_t)count_mappings(),
		lock.rlim_cur == RLIM_INFINITY ? 0xffffffffu : (uint32_t)(lock.rlim_cur / page_size),
	};
	memcpy(control->output, words, sizeof words);
	control->output[0] = sizeof words - 4;
	write_all(control->output, sizeof words);
}

/*
 * All processes stay on one processor. The kernel keeps references to pages in lists of each processor until those are
 * full; with two of them it would depend on the scheduler whether a page counts as shared when it is written to.
 */
static void stay_on_one_processor(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof one, &one);
}

/* Everything that a process needs is made here once, so that nothing is mapped or grown while a program runs. */
static void prepare(void)
{
	volatile char stack[256 * 1024];
	for (size_t i = 0; i < sizeof stack; i += 4096)
		stack[i] = 0;
	stay_on_one_processor();
	page_size = (unsigned long)sysconf(_SC_PAGESIZE);
	control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (control == MAP_FAILED)
		_exit(2);
	self.uffd = -1;
	self.kpagecount = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);
	self.kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	install_signal_handlers();
	open_state_files();
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_handler = on_child;
	sigaction(SIGCHLD, &action, NULL);
	greet();
	/* Or root could map below mmap_min_addr. */
	give_up(CAPABILITY_SYS_RAWIO);
	take_everything_else();
	read_totals(&control->base_total, &control->base_data);
	control->base_data_limit = status_field("VmData") * 1024 / page_size;
	close_state_files();
}

int main(int argc, char **argv)
{
	worker_pid = getpid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 2 || getppid() != atoi(argv[1]))
		return 3;
	prepare();
	for (;;) {
		uint32_t head[4];
		if (!read_all(head, sizeof head))
			return 0;
		const size_t bytes = head[2] * sizeof(struct operation);
		if (head[2] > MAX_OPERATIONS || head[0] != bytes + 12)
			return 4;
		control->count = head[2];
		if (!read_all(control->operations, bytes))
			return 0;
		run_program(head[1], head[3]);
	}
}
