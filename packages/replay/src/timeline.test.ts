import { describe, expect, it } from 'vitest';
import { Timeline } from './timeline.js';

describe('how the number of VMAs went', () => {
  it('is kept as it was while there are few points', () => {
    const timeline = new Timeline();
    for (const [event, vmas] of [[1, 5], [2, 6], [9, 5]] as const) timeline.add(event, vmas); // prettier-ignore
    expect(timeline.read()).toEqual([
      { event: 1, vmas: 5 },
      { event: 2, vmas: 6 },
      { event: 9, vmas: 5 },
    ]);
  });

  it('is thinned when there are many, and no peak is lost', () => {
    const timeline = new Timeline();
    for (let event = 0; event < 100_000; event++) timeline.add(event, event === 77_777 ? 500 : 10);
    const points = timeline.read();
    expect(points.length).toBeLessThan(1024);
    expect(Math.max(...points.map(({ vmas }) => vmas))).toBe(500);
    expect(points.every(({ event }, at) => at === 0 || event > (points[at - 1]?.event ?? 0))).toBe(true);
  });
});
