import { afterAll, describe, expect, it } from 'vitest';
import { HELLO_MAPS, TestFiles, anonymous, execHello, helloMaps, mapped, replayLines } from './testing/recordings.js';

const files = new TestFiles();
afterAll(() => files.remove());
const startMaps = files.write('start.maps', HELLO_MAPS);

/** A listing of what is mapped at the end. */
const endWith = (name: string, ...lines: string[]): string => files.write(name, helloMaps(...lines));

describe('an execve', () => {
  it('begins with what the snapshot shows, and the end is compared VMA by VMA', async () => {
    const endMaps = endWith('exec.end', anonymous('7ffff7000000-7ffff7002000'));
    const result = await replayLines([execHello(), mapped('0x7ffff7000000', 8192), '1 exit_group(0) = ?'], {
      startMaps,
      endMaps,
    });
    expect(result).toMatchObject({
      ok: true,
      checks: { endLayouts: { matched: 1, total: 1 }, results: { matched: 1, total: 1 } },
      vmas: { start: 5, peak: 6, end: 6 },
      processes: [{ pid: 1, program: '/bin/hello' }],
      unknowable: {},
    });
  });

  it('throws away what was mapped before; a snapshot belongs to the program that is mapped in it', async () => {
    const endMaps = endWith('again.end');
    const env = '1 execve("/usr/bin/env", ["env", "hello"], 0x7ff /* 3 vars */) = 0';
    const lines = [env, mapped('0x7ffff7000000', 8192), execHello(), '1 exit_group(0) = ?'];
    expect(await replayLines(lines, { startMaps, endMaps })).toMatchObject({
      ok: true,
      checks: { endLayouts: { matched: 1, total: 1 } },
      vmas: { start: 5, end: 5 },
      unknowable: {},
    });
  });

  it('that fails changes nothing', async () => {
    const failed = '1 execve("/usr/bin/hello", ["hello"], 0x7ff /* 3 vars */) = -1 ENOENT (No such file or directory)';
    const lines = [execHello(), mapped('0x7ffff7000000', 8192), failed, '1 munmap(0x7ffff7000000, 4096) = 0'];
    expect(await replayLines(lines, { startMaps })).toMatchObject({ ok: true, vmas: { end: 6 } });
  });

  it('of another thread than the first ends all others', async () => {
    const lines = [
      execHello(),
      '1 clone(child_stack=0x7ffff0000000, flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND) = 2',
      '1 pause( <unfinished ...>',
      '2 execve("/bin/other", ["other"], 0x7ff /* 3 vars */ <unfinished ...>',
      '1 +++ superseded by execve in pid 2 +++',
      '1 <... execve resumed>) = 0',
      mapped('0x7ffff6000000', 4096),
    ];
    const result = await replayLines(lines, { startMaps });
    expect(result.processes).toMatchObject([{ pid: 1, program: '/bin/other', vmasPeak: 5, vmasAtEnd: 1 }]);
  });
});

describe('a new task', () => {
  const before = [execHello(), mapped('0x7ffff7000000', 8192)];

  it('of fork has a copy: what it does shows nowhere else', async () => {
    const lines = [...before, '1 fork() = 2', '2 munmap(0x7ffff7000000, 8192) = 0', '2 +++ exited with 0 +++'];
    const endMaps = endWith('fork.end', anonymous('7ffff7000000-7ffff7002000'));
    const result = await replayLines([...lines, '1 exit_group(0) = ?'], { startMaps, endMaps });
    expect(result.ok).toBe(true);
    expect(result.processes).toMatchObject([
      { pid: 1, vmasAtEnd: 6 },
      { pid: 2, vmasAtStart: 6, vmasAtEnd: 5, program: '/bin/hello' },
    ]);
  });

  it('with CLONE_THREAD is the same process', async () => {
    const clone = '1 clone(child_stack=0x7ffff0000000, flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND) = 2';
    const result = await replayLines([...before, clone, '2 munmap(0x7ffff7000000, 8192) = 0'], { startMaps });
    expect(result.processes).toMatchObject([{ pid: 1, vmasPeak: 6, vmasAtEnd: 5 }]);
  });

  it.each([
    ['vfork', ['1 vfork( <unfinished ...>', '2 munmap(0x7ffff7000000, 8192) = 0', '1 <... vfork resumed>) = 2']],
    [
      'clone with CLONE_VM',
      ['1 clone(child_stack=0x7ffff0000000, flags=CLONE_VM|SIGCHLD) = 2', '2 munmap(0x7ffff7000000, 8192) = 0'],
    ],
  ])('of %s shares the memory', async (_, lines) => {
    const result = await replayLines([...before, ...lines, '2 +++ exited with 0 +++'], { startMaps });
    expect(result.processes).toMatchObject([
      { pid: 1, vmasPeak: 6, vmasAtEnd: 5 },
      { pid: 2, vmasAtEnd: 5 },
    ]);
  });

  it('that shares memory leaves it by an execve of its own', async () => {
    const lines = [...before, '1 vfork( <unfinished ...>', execHello(2), '1 <... vfork resumed>) = 2'];
    const result = await replayLines([...lines, '2 munmap(0x7ffff7000000, 8192) = 0'], { startMaps });
    expect(result.processes).toMatchObject([{ pid: 1, vmasAtEnd: 6 }, { pid: 2 }]);
  });

  it('may speak before the line that says it was born', async () => {
    const lines = [...before, '1 fork( <unfinished ...>', '2 munmap(0x7ffff7000000, 4096) = 0'];
    const result = await replayLines([...lines, '1 <... fork resumed>) = 2'], { startMaps });
    expect(result).toMatchObject({ ok: true, processes: [{ pid: 1 }, { pid: 2, vmasAtStart: 6 }] });
  });
});
