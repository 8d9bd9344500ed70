/* SPDX-License-Identifier: MIT */
/* What a process of a program does: its operations when it is its turn, and nothing else. */
#include "driver.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Returns when *word may have changed from `value`; a second at most, so that a lost wake-up cannot hang us. */
void wait_while(uint32_t *word, uint32_t value)
{
	const struct timespec second = {.tv_sec = 1};
	syscall(SYS_futex, word, FUTEX_WAIT, value, &second, NULL, 0);
}

static void give_turn(uint32_t who)
{
	__atomic_store_n(&control->turn, who, __ATOMIC_RELEASE);
	if (who == TURN_WORKER) {
		__atomic_add_fetch(&control->worker_wake, 1, __ATOMIC_RELEASE);
		wake(&control->worker_wake);
	} else {
		wake(&control->turn);
	}
}

static void await_turn(void)
{
	for (;;) {
		uint32_t now = __atomic_load_n(&control->turn, __ATOMIC_ACQUIRE);
		if (now == self.number)
			return;
		wait_while(&control->turn, now);
	}
}

static void leave(void) __attribute__((noreturn));
static void leave(void)
{
	drop_pins();
	if (control->next < control->count) {
		control->exiting = control->pids[self.number];
		control->exiting_process = self.number;
	} else {
		control->done = 1;
	}
	give_turn(TURN_WORKER);
	_exit(0);
}

/*
 * The kernel notes on lists of each processor which pages it will look at later, and holds a reference to each until
 * then. Whether a page that was shared may be written to in place would depend on how full such a list happens to be.
 * Freeing a page lazily empties them first; this one was never there.
 */
static void empty_page_lists(void)
{
	static char never_touched[65536] __attribute__((aligned(65536)));
	madvise(never_touched, page_size, MADV_FREE);
}

static void run(const struct operation *op, uint32_t index)
{
	uint32_t outcome = OUTCOME_VALUE;
	uint64_t value = 0;
	begin_record(index);
	if (op->code == OP_EXIT)
		leave();
	if (control->forked)
		empty_page_lists();
	perform(op, &outcome, &value);
	set_result(outcome, value);
	report_state(op->want);
	if (op->code == OP_FORK && outcome == OUTCOME_VALUE) {
		/* The child says what it has before anything else happens. */
		give_turn((uint32_t)op->extra);
		await_turn();
	}
}

/* Process 0 starts here; a forked child comes here from inside the fork operation. */
void process_main(void)
{
	if (self.number != 0) {
		const struct operation *fork_op = &control->operations[control->next - 1];
		await_turn();
		report_state(fork_op->want);
		give_turn(fork_op->process);
	}
	for (;;) {
		await_turn();
		if (control->next >= control->count)
			leave();
		const uint32_t index = control->next;
		const struct operation *op = &control->operations[index];
		if (op->process >= MAX_PROCESSES || !control->pids[op->process]) {
			control->next++;
			begin_record(index);
			set_result(OUTCOME_OMITTED, OMITTED_NO_PROCESS);
			continue;
		}
		if (op->process != self.number) {
			give_turn(op->process);
			continue;
		}
		control->next++;
		run(op, index);
	}
}
