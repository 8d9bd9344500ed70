import { describe, expect, it } from 'vitest';
import { Calm } from './calm.js';

/** A loop that takes 2 in the calls of its number that are listed, else 1. */
function loopDisturbedIn(calls: (call: number) => boolean): () => number {
  let call = 0;
  return () => (calls(call++) ? 2 : 1);
}

/** Three calls a look; a hundred looks come first. */
const LOOKS = 300;

describe('measuring in calm moments', () => {
  it('measures again when the machine was disturbed meanwhile', () => {
    // Calm before the first measurement, disturbed behind it and before the second.
    const calm = new Calm(
      60,
      loopDisturbedIn((call) => call >= LOOKS + 3 && call < LOOKS + 9),
    );
    let times = 0;
    expect(calm.measure(() => ++times)).toBe(2);
    expect(calm.disturbed).toBe(0);
  });

  it('keeps what it has when there is no time left, and counts it', async () => {
    const calm = new Calm(
      0.03,
      loopDisturbedIn((call) => call >= LOOKS),
    );
    let times = 0;
    expect(await calm.measureAsync(() => Promise.resolve(++times))).toBe(1);
    expect(calm.disturbed).toBe(1);
  });

  it('looks at nothing when it is given no time', () => {
    const calm = new Calm(0, () => {
      throw new Error('looked');
    });
    expect(calm.measure(() => 7)).toBe(7);
  });
});
