import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('an old number never means a new item', () => {
  const slots = new Slots<string>(2);
  const first = slots.add('a');
  expect(slots.take(first)).toBe('a');
  const second = slots.add('b');
  expect(second).not.toBe(first);
  expect(slots.get(first)).toBeUndefined();
  expect(slots.take(first)).toBeUndefined();
  expect(slots.get(second)).toBe('b');
});

test('it is full, takes no more, and is free again', () => {
  const slots = new Slots<number>(2);
  const ids = [slots.add(1), slots.add(2)];
  expect(slots.full).toBe(true);
  expect(() => slots.add(3)).toThrow(RangeError);
  expect([...slots]).toEqual([1, 2]);
  expect(slots.takeAll()).toEqual([1, 2]);
  expect(slots.size).toBe(0);
  expect(ids.map((id) => slots.get(id))).toEqual([undefined, undefined]);
});

test('numbers stay positive and below 2^31, and begin anew after that', () => {
  const slots = new Slots<number>(4096);
  const first = slots.add(0);
  let id = first;
  let highest = first;
  do {
    slots.take(id);
    id = slots.add(0);
    if (id > highest) highest = id;
  } while (id !== first);
  expect(highest).toBeGreaterThan(2 ** 30);
  expect(highest).toBeLessThan(2 ** 31);
});

test('it does what a Map of as many entries does', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ add: fc.boolean(), which: fc.nat(20) }), { maxLength: 200 }), (steps) => {
      const slots = new Slots<number>(8);
      const model = new Map<number, number>();
      const known: number[] = [];
      steps.forEach(({ add, which }, i) => {
        const id = known[which % Math.max(1, known.length)] ?? 0;
        if (add && !slots.full) {
          const added = slots.add(i);
          expect(model.has(added)).toBe(false);
          model.set(added, i);
          known.push(added);
        } else {
          expect(slots.take(id)).toBe(model.get(id));
          model.delete(id);
        }
        expect(slots.size).toBe(model.size);
        expect(known.map((each) => slots.get(each))).toEqual(known.map((each) => model.get(each)));
      });
      expect([...slots].sort()).toEqual([...model.values()].sort());
    }),
  );
});
