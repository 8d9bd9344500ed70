import { InvariantError } from '@vmakit/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOCK_CLASSES } from './lock-tracker.js';
import { LockValidator } from './lock-validator.js';

describe('the lock validator', () => {
  it('lets locks be taken in the order of their classes, and knows which are held', () => {
    const locks = new LockValidator();
    for (const [id, lockClass] of LOCK_CLASSES.entries()) locks.acquire(lockClass, id, 'write');
    expect(locks.held().map(({ lockClass }) => lockClass)).toEqual(LOCK_CLASSES);
    for (const [id, lockClass] of LOCK_CLASSES.entries()) locks.release(lockClass, id);
    expect(locks.held()).toEqual([]);
    expect(locks.acquisitions).toBe(LOCK_CLASSES.length);
  });

  it('refuses an earlier class inside a later one, and says what is held', () => {
    const locks = new LockValidator();
    locks.acquire('page-table', 7, 'write');
    expect(() => locks.acquire('anon-vma', 3, 'write')).toThrow(
      expect.objectContaining({
        message: 'lock anon-vma 3 is taken inside page-table 7',
        state: { held: [{ lockClass: 'page-table', id: 7, mode: 'write' }] },
      }),
    );
  });

  it('lets a folio lock be tried inside a page-table lock: trying does not block', () => {
    const locks = new LockValidator();
    locks.acquire('page-table', 7, 'write');
    locks.acquire('folio', 42, 'try');
    expect(() => locks.acquire('folio', 43, 'write')).toThrow(InvariantError);
  });

  it('lets two locks of a class be held together: the tables at both ends of a move', () => {
    const locks = new LockValidator();
    locks.acquire('page-table', 1, 'write');
    locks.acquire('page-table', 2, 'write');
    expect(() => locks.acquire('page-table', 2, 'write')).toThrow('page-table 2 is taken twice');
  });

  it('refuses to release what is not held', () => {
    expect(() => new LockValidator().release('mmap', 1)).toThrow('mmap 1 is released but not held');
  });

  it('refuses exactly the blocking acquisitions that go up in the order', () => {
    const lock = fc.tuple(fc.nat(LOCK_CLASSES.length - 1), fc.boolean());
    fc.assert(
      fc.property(fc.array(lock, { maxLength: 8 }), (wanted) => {
        const locks = new LockValidator();
        let highest = -1;
        for (const [id, [rank, blocks]] of wanted.entries()) {
          const take = (): void => locks.acquire(LOCK_CLASSES[rank]!, id, blocks ? 'write' : 'try');
          if (blocks && rank < highest) {
            expect(take).toThrow(InvariantError);
          } else {
            take();
            highest = Math.max(highest, rank);
          }
        }
      }),
    );
  });
});
