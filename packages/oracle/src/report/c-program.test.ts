import { expect, test } from 'vitest';
import type { Operation } from '@vmakit/trace';
import { toCProgram } from './c-program.js';

const program: Operation[] = [
  { op: 'mmap', p: 0, addr: 16, len: 2, prot: 'rw-', flags: ['PRIVATE', 'ANONYMOUS', 'FIXED'], fd: null, off: 0 },
  { op: 'fork', p: 0, child: 1 },
  { op: 'touch', p: 1, addr: 16, len: 1, write: true, stride: 1, value: 7 },
  { op: 'mremap', p: 1, addr: 16, oldLen: 2, newLen: 2, flags: ['MAYMOVE', 'FIXED'], newAddr: 32 },
  { op: 'exit', p: 1 },
];

/** What stands between the fixed parts. */
function body(text: string): string {
  return text.slice(text.indexOf('static void process_1(void)\n{'), text.indexOf('int main(void)')).trim();
}

test('each process is a function, and the steps tell whose turn it is', () => {
  expect(body(toCProgram(program, { lines: ['A title.'] }))).toMatchInlineSnapshot(`
    "static void process_1(void)
    {
    	me = 1;
    	turn(2);
    	touch(A + 16 * P, 1 * P, 1, 1, 7);
    	done(2);
    	turn(3);
    	CALL(SYS_mremap, A + 16 * P, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, A + 32 * P);
    	done(3);
    	turn(4);
    	leave(4);
    }

    static void process_0(void)
    {
    	me = 0;
    	turn(0);
    	CALL(SYS_mmap, A + 16 * P, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0 * P);
    	done(0);
    	turn(1);
    	if (!fork()) {
    		process_1();
    		_exit(0);
    	}
    	done(1);
    }"
  `);
});

test('the rest of the address space is taken only where the kernel chooses an address', () => {
  expect(toCProgram(program, { lines: [] })).not.toContain('take_the_rest');
  const chosen: Operation = { ...program[0], addr: null, flags: ['PRIVATE', 'ANONYMOUS'] } as Operation;
  expect(toCProgram([chosen], { lines: [] })).toContain('\ttake_the_rest();');
});
