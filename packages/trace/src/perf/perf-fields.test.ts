import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../events.js';
import { parseRecording } from '../source/parse.js';

/* Which columns `perf script` prints is the user's choice (-F); the format is recognised whatever it is. */

function parse(...lines: string[]): readonly RecordedEvent[] {
  const { events, report } = parseRecording(`${lines.join('\n')}\n`, { name: 'x.perf' });
  expect(report.diagnostics).toEqual([]);
  return events;
}

const FAULT = 'exceptions:page_fault_user: address=0x7f8d680f6000 ip=0x7f8d682880ba error_code=0x6';

describe('the columns of perf script', () => {
  it.each([
    ['without -F', 'weird 27335 [001] 13902.228607:  '],
    ['comm,pid,tid,time', 'weird 27335/27335 13902.228607: '],
    ['pid,tid,time', '27335/27335 13902.228607: '],
    ['tid,cpu,time', '27335 [001] 13902.228607: '],
    ['tid,time', '27335 13902.228607: '],
    ['comm,pid,tid,cpu,time,period', '           weird 27335/27335 [001] 13902.228607:          1          '],
    ['a comm of words and colons', '    a b) (c: 1/2 27335/27335 [001] 13902.228607:  '],
  ])('%s', (_, head) => {
    const [event] = parse(head + FAULT, head + FAULT);
    expect(event).toMatchObject({ kind: 'page-fault', tid: 27335, pid: 27335, time: 13902.228607, write: true });
  });

  it('ip and sym stand behind the fields of the event', () => {
    const events = parse(
      'weird 27335/27335 [001] 1.0:   syscalls:sys_enter_mlockall: flags: 0x00000007     7f8d6821bbf7 mlockall',
      'weird 27335/27335 [001] 1.1:    syscalls:sys_exit_mlockall: 0x0     7f8d6821bbf7 mlockall',
      'weird 27335/27335 [001] 1.2: syscalls:sys_enter_munlockall:      7f8d6821bc27 munlockall',
      'weird 27335/27335 [001] 1.3:  syscalls:sys_exit_munlockall: 0x0     7f8d6821bc27 munlockall',
    );
    expect(events).toHaveLength(4);
    expect(events[1]).toMatchObject({ call: 'mlockall', args: { flags: 7 }, result: 0 });
    expect(events[3]).toMatchObject({ call: 'munlockall', args: {}, result: 0 });
  });

  it('without a pid column, the names that perf lists when it attaches tell whose thread it is', () => {
    const events = parse(
      '             att     0 [000]     0.000000: PERF_RECORD_COMM: att:30226/30228',
      `             att 30228 [000] 14122.114555: ${FAULT}`,
    );
    expect(events[1]).toMatchObject({ kind: 'page-fault', pid: 30226, tid: 30228 });
  });

  it('lines about the reading itself say nothing', () => {
    const { report } = parseRecording(`weird 1/1 1.0: ${FAULT}\nPERF_RECORD_FINISHED_ROUND\n`);
    expect(report).toMatchObject({ ignored: 1, malformed: 0 });
  });
});
