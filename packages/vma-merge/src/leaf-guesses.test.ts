import { expect, it } from 'vitest';
import { LeafGuesses } from './leaf-guesses.js';

/** Leaf n holds VMAs in the 48 pages from 64 n on. */
const LEAVES = 100;
const [DISTANCE, SPAN] = [64, 48];

/** Corrects guesses until it is time to see whether the table fits; gives after how many. */
function correctUntilDue(guesses: LeafGuesses): number {
  for (let wrong = 1; wrong < 10_000; wrong++) {
    const leaf = wrong % LEAVES;
    if (guesses.correct(DISTANCE * leaf, leaf)) return wrong;
  }
  return Infinity;
}

/** Guesses for a tree of such leaves. */
function fitted(): LeafGuesses {
  const guesses = new LeafGuesses();
  guesses.learn(SPAN);
  expect(guesses.fit(LEAVES)).toBe(true);
  return guesses;
}

it('guesses the leaf that the last search near by ended in', () => {
  const guesses = new LeafGuesses();
  expect(guesses.leafFor(DISTANCE * 7)).toBe(0);
  guesses.correct(DISTANCE * 7, 7);
  expect(guesses.leafFor(DISTANCE * 7)).toBe(7);
});

it('is to be looked at when as many were wrong as it has places', () => {
  const guesses = new LeafGuesses();
  expect(correctUntilDue(guesses)).toBe(16);
  expect(correctUntilDue(fitted())).toBe(512);
});

it('knows what it is told of once it is made for the tree', () => {
  const guesses = fitted();
  for (let leaf = 0; leaf < LEAVES; leaf++) guesses.note(DISTANCE * leaf, DISTANCE * leaf + SPAN, leaf);
  for (let leaf = 0; leaf < LEAVES; leaf++) {
    for (let page = 0; page < SPAN; page++) expect(guesses.leafFor(DISTANCE * leaf + page)).toBe(leaf);
  }
});

it('is kept as long as it fits, and made anew when leaves span more or are more', () => {
  const guesses = fitted();
  for (let i = 0; i < 100; i++) guesses.learn(SPAN + (i % 5));
  expect(guesses.fit(LEAVES)).toBe(false);
  expect(guesses.fit(2 * LEAVES)).toBe(true);
  for (let i = 0; i < 100; i++) guesses.learn(100 * SPAN);
  expect(guesses.fit(2 * LEAVES)).toBe(true);
});

it('takes of a leaf that reaches far no more places than of others', () => {
  const guesses = fitted();
  guesses.note(0, DISTANCE, 1);
  guesses.note(DISTANCE * 2, 2 ** 40, 2);
  expect([guesses.leafFor(0), guesses.leafFor(DISTANCE * 2)]).toEqual([1, 2]);
});
