import { create } from '@bufbuild/protobuf';
import { afterEach, expect, test, vi } from 'vitest';
import { ResultSchema } from '#proto/data/v1/data_pb.ts';
import { PARKED_LIFETIME_MS } from '../bounds.ts';
import { ParkedAnswers } from './parked.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('a ticket is good for one fetch', () => {
  const parked = new ParkedAnswers();
  const results = [create(ResultSchema), create(ResultSchema)];
  const tickets = results.map((result) => parked.park(result));
  expect(tickets.map((ticket) => parked.take(ticket))).toEqual(results);
  expect(tickets.map((ticket) => parked.take(ticket))).toEqual([undefined, undefined]);
  expect(parked.take('never given')).toBeUndefined();
});

test('an answer that nobody fetches is forgotten', () => {
  vi.useFakeTimers();
  const parked = new ParkedAnswers();
  const result = create(ResultSchema);
  const ticket = parked.park(result);
  vi.advanceTimersByTime(PARKED_LIFETIME_MS + 1);
  expect(parked.take(ticket)).toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
});
