import { expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { Slots } from './slots.ts';
import { newTree } from './trees.ts';

const COUNT = 8;
const later = () => Deadline.after(60_000);

test('scripts that have called each other take a part of the places, and the rest is for others', async () => {
  const slots = new Slots(COUNT, 60_000);
  const many = newTree();
  const taken = Array.from({ length: COUNT }, () => slots.take(later(), many));
  const count = taken.filter((one) => one === true).length;
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThan(COUNT);
  for (let place = count; place < COUNT; place++) expect(slots.take(later(), newTree())).toBe(true);
  const other = slots.take(later(), newTree());
  slots.give(many);
  const [, next] = taken.filter((one) => one !== true);
  expect(await Promise.race([taken[count], next, other])).toBe(true);
  expect(many.running).toBe(count);
});

test('a place that was given back goes to whoever may have it and waits for longest', async () => {
  const slots = new Slots(4, 60_000);
  const many = newTree();
  const [one, two] = [newTree(), newTree()];
  for (const tree of [many, one, two, newTree()]) expect(slots.take(later(), tree)).toBe(true);
  const order: string[] = [];
  const wait = (name: string, tree: ReturnType<typeof newTree>) =>
    Promise.resolve(slots.take(later(), tree)).then((isFree) => order.push(`${name} ${isFree}`));
  const waits = [wait('many', many), wait('one', newTree()), wait('two', newTree())];
  slots.give(two);
  slots.give(many);
  slots.give(one);
  await Promise.all(waits);
  expect(order).toEqual(['one true', 'many true', 'two true']);
});

test('of those that may begin, one of another tree goes in front of the many of one', async () => {
  const slots = new Slots(100, 60_000);
  const many = newTree();
  const order: string[] = [];
  const begin = async (name: string, tree: ReturnType<typeof newTree>) => {
    await slots.take(later(), tree);
    await slots.begin(tree);
    order.push(name);
  };
  const all = Array.from({ length: 20 }, (_, n) => begin(`many ${n}`, many));
  await Promise.all([...all, begin('other', newTree())]);
  expect(order).toHaveLength(21);
  expect(order.indexOf('other')).toBeLessThan(10);
  expect(order.filter((name) => name !== 'other')).toEqual(Array.from({ length: 20 }, (_, n) => `many ${n}`));
});

test('nobody waits for longer than was said, or than his caller', async () => {
  const slots = new Slots(1, 10);
  expect(slots.take(later(), newTree())).toBe(true);
  expect(await slots.take(later(), newTree())).toBe(false);
  const deadline = later();
  const waiting = new Slots(0, 60_000).take(deadline, newTree());
  deadline.abort(new Error('gone') as never);
  expect(await waiting).toBe(false);
});
