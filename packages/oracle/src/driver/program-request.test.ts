import { expect, test } from 'vitest';
import { encodeOperation } from './encode-operation.js';
import { OP_MREMAP, OPERATION_BYTES } from './protocol.js';
import { ProgramRequest } from './program-request.js';

const HEAD_BYTES = 16;
const PAGE = 4096;

/** The fields of operation `index` in a frame. */
function fields(request: ProgramRequest, index: number): { code: number; process: number; words: bigint[] } {
  const frame = request.frame(7, 100);
  const view = new DataView(frame.buffer, frame.byteOffset + HEAD_BYTES + index * OPERATION_BYTES, OPERATION_BYTES);
  const words = [8, 16, 24, 32].map((at) => view.getBigUint64(at, true));
  return { code: view.getUint8(0), process: view.getUint8(1), words };
}

test('page numbers become addresses of the window, lengths become bytes', () => {
  const request = new ProgramRequest(PAGE, 1);
  const move = { op: 'mremap', p: 2, addr: 16, oldLen: 4, newLen: { bytes: 5 }, flags: [], newAddr: -1 } as const;
  encodeOperation(request, move, 1);
  const start = 0x100000000000n;
  expect(fields(request, 0)).toEqual({
    code: OP_MREMAP,
    process: 2,
    words: [start + 16n * 4096n, 4n * 4096n, 5n, start - 4096n],
  });
});

test('raw values are passed on as they are, and what is left out is 0', () => {
  const request = new ProgramRequest(PAGE, 1);
  const length = { raw: 2n ** 64n - 1n };
  encodeOperation(request, { op: 'mmap', p: 0, addr: null, len: length, prot: '---', flags: [], fd: null, off: 0 }, 1);
  expect(fields(request, 0).words).toEqual([0n, 2n ** 64n - 1n, 0n, 0n]);
});

test('a request grows with its program and says how long it is', () => {
  const request = new ProgramRequest(PAGE, 1);
  for (let child = 1; child <= 9; child++) encodeOperation(request, { op: 'fork', p: 0, child }, 1);
  const frame = request.frame(7, 100);
  expect(new DataView(frame.buffer).getUint32(0, true)).toBe(frame.length - 4);
  expect(fields(request, 8).words[2]).toBe(9n);
});
