import { take } from 'rxjs';
import { expect, test } from 'vitest';
import { PhaseBus } from './bus.js';

/** A bus, and what its listeners wrote down. */
function made(): { bus: PhaseBus<number>; seen: string[] } {
  return { bus: new PhaseBus<number>(), seen: [] };
}

test('nobody listens: it says so, before and after', () => {
  const { bus } = made();
  expect(bus.observed).toBe(false);
  const stop = bus.listen(() => undefined);
  const subscription = bus.events$.subscribe();
  expect(bus.observed).toBe(true);
  stop();
  stop();
  expect(bus.observed).toBe(true);
  subscription.unsubscribe();
  expect(bus.observed).toBe(false);
});

test('an event emitted by a listener comes after the one being delivered, for all of them', () => {
  const { bus, seen } = made();
  bus.listen((event) => {
    seen.push(`first ${event}`);
    if (event === 1) bus.emit(2);
  });
  bus.listen((event) => seen.push(`second ${event}`));
  bus.emit(1);
  expect(seen).toEqual(['first 1', 'second 1', 'first 2', 'second 2']);
});

test('a listener that throws stops nobody; its error is told', () => {
  const { bus, seen } = made();
  bus.failures$.subscribe(({ event, error }) => seen.push(`${event}: ${(error as Error).message}`));
  bus.listen(() => {
    throw new Error('broken');
  });
  bus.listen((event) => seen.push(`still ${event}`));
  bus.emit(1);
  expect(seen).toEqual(['1: broken', 'still 1']);
});

test('it is an observable like any other', () => {
  const { bus, seen } = made();
  bus.events$.pipe(take(2)).subscribe({ next: (event) => seen.push(`${event}`), complete: () => seen.push('done') });
  for (const event of [1, 2, 3]) if (bus.observed) bus.emit(event);
  expect(seen).toEqual(['1', '2', 'done']);
});

test('a listener that ends another during an event spares it that event', () => {
  const { bus, seen } = made();
  bus.listen(() => stop());
  const stop = bus.listen((event) => seen.push(`${event}`));
  bus.emit(1);
  expect(seen).toEqual([]);
});

test('closing completes', () => {
  const { bus, seen } = made();
  bus.events$.subscribe({ complete: () => seen.push('complete') });
  bus.close();
  expect([seen, bus.observed]).toEqual([['complete'], false]);
});
