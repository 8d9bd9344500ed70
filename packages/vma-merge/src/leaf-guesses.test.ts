import { expect, it } from 'vitest';
import { LeafGuesses } from './leaf-guesses.js';

/** Leaf n holds VMAs in the 48 pages from 64 n on. */
const LEAVES = 100;
const [DISTANCE, SPAN] = [64, 48];

/** Corrects guesses until the table is made anew; gives after how many. */
function correctUntilNew(guesses: LeafGuesses): number {
  for (let wrong = 1; wrong < 10_000; wrong++) {
    const leaf = wrong % LEAVES;
    if (guesses.correct(DISTANCE * leaf, leaf, SPAN, LEAVES)) return wrong;
  }
  return Infinity;
}

it('guesses the leaf that the last search near by ended in', () => {
  const guesses = new LeafGuesses();
  expect(guesses.leafFor(DISTANCE * 7)).toBe(0);
  guesses.correct(DISTANCE * 7, 7, SPAN, LEAVES);
  expect(guesses.leafFor(DISTANCE * 7)).toBe(7);
});

it('is made anew when as many were wrong as it has places, and knows what it is told of then', () => {
  const guesses = new LeafGuesses();
  expect(correctUntilNew(guesses)).toBe(16);
  for (let leaf = 0; leaf < LEAVES; leaf++) guesses.note(DISTANCE * leaf, DISTANCE * leaf + SPAN, leaf);
  for (let leaf = 0; leaf < LEAVES; leaf++) {
    for (let page = 0; page < SPAN; page++) expect(guesses.leafFor(DISTANCE * leaf + page)).toBe(leaf);
  }
});

it('is kept from then on, however many are wrong, as long as it fits the tree', () => {
  const guesses = new LeafGuesses();
  correctUntilNew(guesses);
  expect(correctUntilNew(guesses)).toBe(Infinity);
});

it('takes of a leaf that reaches far no more places than of others', () => {
  const guesses = new LeafGuesses();
  correctUntilNew(guesses);
  guesses.note(0, DISTANCE, 1);
  guesses.note(DISTANCE * 2, 2 ** 40, 2);
  expect([guesses.leafFor(0), guesses.leafFor(DISTANCE * 2)]).toEqual([1, 2]);
});
