import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { liveForTests } from '../testing/live.js';
import { Unavailable } from '../unavailable.js';
import { encodeOperation } from './encode-operation.js';
import { buildHelper } from './helper-build.js';
import { LiveDriver } from './live-driver.js';
import { OUTCOME_HUNG, STATUS_HUNG, WANT_MAPS } from './protocol.js';
import { ProgramRequest } from './program-request.js';
import { RecordReader } from './record-reader.js';

const { live, isMissing, why } = await liveForTests();

async function helperPath(): Promise<string> {
  const helper = await buildHelper();
  if (helper instanceof Unavailable) throw new Error(helper.reason);
  return helper;
}

/** A program of three processes that takes some milliseconds. */
function forkingProgram(): ProgramRequest {
  const request = new ProgramRequest(4096);
  const flags = ['PRIVATE', 'ANONYMOUS', 'FIXED'] as const;
  encodeOperation(request, { op: 'mmap', p: 0, addr: 16, len: 64, prot: 'rw-', flags, fd: null, off: 0 }, WANT_MAPS);
  for (const child of [1, 2]) encodeOperation(request, { op: 'fork', p: 0, child }, WANT_MAPS);
  for (let i = 0; i < 200; i++) {
    encodeOperation(request, { op: 'touch', p: i % 3, addr: 16, len: 64, write: true, stride: 1, value: 1 }, WANT_MAPS);
    encodeOperation(request, { op: 'madvise', p: i % 3, addr: 16, len: 64, advice: 'DONTNEED' }, WANT_MAPS);
  }
  return request;
}

/** Processes that have `mark` in their environment. */
function marked(mark: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return Number.isInteger(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
      } catch {
        return false;
      }
    });
}

/** A process that keeps a helper busy until it is killed; a string of its environment marks both and all forks. */
const KEEPS_BUSY = `
const [helper, frame] = process.argv.slice(1);
const { spawn } = require('node:child_process');
const child = spawn(helper, [String(process.pid)], { stdio: ['pipe', 'pipe', 'inherit'] });
const bytes = Buffer.from(frame, 'base64');
const send = () => child.stdin.write(bytes);
child.stdout.once('data', () => process.stdout.write('running'));
child.stdout.on('data', send);
send();
send();
`;

async function killWhileRunning(
  helper: string,
  afterMs: number,
): Promise<{ readonly mark: string; readonly before: number }> {
  const mark = `VMAKIT_TEST=${randomUUID()}`;
  const frame = Buffer.from(forkingProgram().frame(1, 1000)).toString('base64');
  const [name = '', value = ''] = mark.split('=');
  const owner = spawn(process.execPath, ['-e', KEEPS_BUSY, helper, frame], { env: { [name]: value } });
  await new Promise((resolve) => owner.stdout.once('data', resolve));
  await sleep(afterMs);
  const before = marked(mark).length;
  owner.kill('SIGKILL');
  return { mark, before };
}

describe.skipIf(isMissing)(`the driver${why}`, () => {
  test('answers each program, in order, however many are under way', async () => {
    const requests = Array.from({ length: 20 }, (_, index) => {
      const request = new ProgramRequest(4096);
      const flags = ['PRIVATE', 'ANONYMOUS', 'FIXED'] as const;
      const len = index + 1;
      encodeOperation(request, { op: 'mmap', p: 0, addr: 16, len, prot: 'rw-', flags, fd: null, off: 0 }, WANT_MAPS);
      return request;
    });
    const recordings = await Promise.all(requests.map((request) => live.driver.run(request)));
    const totals = recordings.map(({ words }) => {
      const reader = new RecordReader(words);
      reader.nextRecord();
      reader.nextState();
      return reader.total;
    });
    expect(totals).toEqual(requests.map((_, index) => index + 1));
  });

  test('gives up a program that does not go on, and runs the next one', async () => {
    // Guards over pages that a userfaultfd protects in a file: Linux 6.18 tries that for ever.
    const stuck = new ProgramRequest(4096);
    encodeOperation(stuck, { op: 'memfd', p: 0, fd: 0, len: 1 }, 0);
    const range = { p: 0, addr: 16, len: 1 };
    encodeOperation(stuck, { op: 'mmap', ...range, prot: 'rw-', flags: ['PRIVATE', 'FIXED'], fd: 0, off: 0 }, 0);
    encodeOperation(stuck, { op: 'uffd', ...range, mode: 'wp', events: false, features: 0 }, 0);
    encodeOperation(stuck, { op: 'uffdwp', ...range, protect: true }, 0);
    encodeOperation(stuck, { op: 'madvise', ...range, advice: 'GUARD_INSTALL' }, 0);
    const [recording, next] = await Promise.all([live.driver.run(stuck), live.driver.run(forkingProgram())]);
    if (recording.status === STATUS_HUNG) {
      const reader = new RecordReader(recording.words);
      while (reader.operation < 4 && reader.nextRecord());
      expect(reader.outcome).toBe(OUTCOME_HUNG);
    }
    expect(next.status).toBe(0);
  });

  test('leaves no process behind when its owner is killed', { timeout: 60_000 }, async () => {
    for (const afterMs of [0, 3, 11, 40]) {
      const { mark, before } = await killWhileRunning(await helperPath(), afterMs);
      expect(before).toBeGreaterThan(1);
      let left = marked(mark);
      for (let i = 0; i < 500 && left.length > 0; i++) {
        await sleep(10);
        left = marked(mark);
      }
      expect(left).toEqual([]);
    }
  });

  test('says what happened to whoever waits when it is closed', async () => {
    const other = await LiveDriver.start();
    if (other instanceof Unavailable) throw new Error(other.reason);
    await other.close();
    await expect(other.run(forkingProgram())).rejects.toThrow('the driver is closed');
  });
});
