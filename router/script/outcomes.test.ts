import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { bitOf, Member } from '#common/scripts/members.ts';
import { type Outcome, OutcomeSchema, Phase } from '#proto/script/v1/script_pb.ts';
import type { Request } from '../http/request.ts';
import { ApiRequest } from '../parse/api-request.ts';
import type { Answer } from './answer.ts';
import { RequestFacts, ScriptEvent } from './event.ts';
import { halvesOf, RememberedOutcomes } from './outcomes.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const SCRIPT = halvesOf(1n);
const NEXT = halvesOf(1n << 32n);
const ANN = () => 'ann';
const BOB = () => 'bob';
const ANSWER: Answer = {
  status: 200,
  headers: [],
  contentType: 'application/json',
  content: bytes('{"a":1}'),
  isJson: true,
};

function eventOf({ query = '', id = '5', answer = ANSWER }: { query?: string; id?: string; answer?: Answer } = {}) {
  const http = {
    id: 'r',
    method: 'GET',
    path: `/api/v2/db/_table/todo/${id}`,
    query,
    body: bytes(''),
  } as Partial<Request>;
  const request = new ApiRequest(
    { ...http, header: () => undefined, headers: () => ({}) } as unknown as Request,
    'db',
    [...['_table', 'todo', id]],
  );
  return new ScriptEvent('s', Phase.POST_PROCESS, new RequestFacts(request), id, answer);
}

const maskOf = (...members: number[]): number =>
  members.reduce((mask, member) => mask | bitOf(member), bitOf(Member.TOLD));
const OUTCOMES: readonly (readonly [why: string, outcome: Outcome])[] = [
  ['nothing', create(OutcomeSchema)],
  ['a content', create(OutcomeSchema, { contentJson: bytes('{"ü":"€"}') })],
  [
    'everything',
    create(OutcomeSchema, { requestJson: bytes('{}'), responseJson: bytes('{"a":1}'), stopPropagation: true }),
  ],
  ['an end', create(OutcomeSchema, { stopPropagation: true })],
];

/** What is kept once, and what is seen a second time. */
function twice(
  memory: RememberedOutcomes,
  way: number,
  outcome: Outcome,
  event = eventOf(),
  ways: readonly number[] = [],
): readonly number[] {
  return memory.keep(SCRIPT, memory.keep(SCRIPT, ways, way, event, ANN, outcome), way, event, ANN, outcome);
}

describe('outcomes of pure scripts', () => {
  test('are kept at once while there is room', () => {
    const memory = new RememberedOutcomes();
    const ways = memory.keep(SCRIPT, [], maskOf(), eventOf(), ANN, create(OutcomeSchema));
    expect(memory.find(SCRIPT, ways, eventOf(), ANN)).toBeDefined();
  });

  test('are kept from the second time on where others have to give way', () => {
    const memory = new RememberedOutcomes(1 << 16);
    const way = maskOf(Member.EVENT_RESOURCE);
    const large = create(OutcomeSchema, { contentJson: bytes(`"${'x'.repeat(8_000)}"`) });
    for (let id = 0; id < 20; id++) memory.keep(SCRIPT, [way], way, eventOf({ id: String(id) }), ANN, large);
    const last = eventOf({ id: '20' });
    memory.keep(SCRIPT, [way], way, last, ANN, large);
    expect(memory.find(SCRIPT, [way], last, ANN)).toBeUndefined();
    memory.keep(SCRIPT, [way], way, last, ANN, large);
    expect(memory.find(SCRIPT, [way], last, ANN)?.contentJson.length).toBe(8_002);
  });

  test.each(OUTCOMES)('are given back as they were: %s', (_, outcome) => {
    const memory = new RememberedOutcomes();
    const ways = twice(memory, maskOf(Member.QUERY), outcome);
    const found = memory.find(SCRIPT, ways, eventOf(), ANN) as Outcome;
    const shown = ({ requestJson, responseJson, returnedJson, contentJson, stopPropagation }: Outcome) =>
      [requestJson, responseJson, returnedJson, contentJson].map((part) => Buffer.from(part).toString()).join() +
      stopPropagation;
    expect(shown(found)).toBe(shown(outcome));
  });

  test.each([
    ['was looked at', maskOf(Member.ANSWER_CONTENT), ANSWER],
    ['was not looked at', maskOf(), { ...ANSWER, content: bytes('[]') }],
  ])('a content that begins as the answer, which %s', (_, way, answer) => {
    const memory = new RememberedOutcomes();
    const ways = twice(memory, way, create(OutcomeSchema, { contentJson: bytes('{"a":1,"b":2}') }));
    const found = memory.find(SCRIPT, ways, eventOf({ answer }), ANN);
    expect(Buffer.from(found?.contentJson ?? '').toString()).toBe('{"a":1,"b":2}');
  });

  const found = (way: number, later: ScriptEvent, session = ANN, script = SCRIPT): boolean => {
    const memory = new RememberedOutcomes();
    const ways = twice(memory, way, create(OutcomeSchema));
    return memory.find(script, ways, later, session) !== undefined;
  };

  test.each([
    ['nothing was looked at', maskOf(), eventOf({ query: 'a=1', id: '6' }), ANN, true],
    ['what was looked at is the same', maskOf(Member.EVENT_RESOURCE), eventOf({ query: 'a=1' }), ANN, true],
    ['what was looked at differs', maskOf(Member.EVENT_RESOURCE), eventOf({ id: '6' }), ANN, false],
    ['the query differs', maskOf(Member.QUERY), eventOf({ query: 'a=1' }), ANN, false],
    ['the uri differs', maskOf(Member.URI), eventOf({ id: '6' }), ANN, false],
    [
      'the content differs',
      maskOf(Member.ANSWER_CONTENT),
      eventOf({ answer: { ...ANSWER, content: bytes('{}') } }),
      ANN,
      false,
    ],
    ['the status differs', maskOf(Member.ANSWER_STATUS), eventOf({ answer: { ...ANSWER, status: 201 } }), ANN, false],
    [
      'headers differ',
      maskOf(Member.ANSWER_HEADERS),
      eventOf({ answer: { ...ANSWER, headers: [['a', 'b']] } }),
      ANN,
      false,
    ],
    ['the answer is no JSON', maskOf(), eventOf({ answer: { ...ANSWER, isJson: false } }), ANN, false],
    ['somebody else asks, and it saw who', maskOf(Member.SESSION), eventOf(), BOB, false],
    ['somebody else asks, and it did not see who', maskOf(Member.QUERY), eventOf(), BOB, true],
    ['it saw the body of the request', maskOf(Member.CONTENT), eventOf(), ANN, false],
  ])('%s', (_, way, later, session, isFound) => {
    expect(found(way, later, session)).toBe(isFound);
  });

  test('those of another version do not count', () => {
    expect(found(maskOf(), eventOf(), ANN, NEXT)).toBe(false);
  });

  test('every way through a script is known by itself', () => {
    const memory = new RememberedOutcomes();
    const first = twice(memory, maskOf(Member.QUERY), create(OutcomeSchema), eventOf({ query: 'a' }));
    const deeper = maskOf(Member.QUERY, Member.URI);
    const both = twice(
      memory,
      deeper,
      create(OutcomeSchema, { stopPropagation: true }),
      eventOf({ query: 'b' }),
      first,
    );
    expect(memory.find(SCRIPT, both, eventOf({ query: 'a', id: '6' }), ANN)?.stopPropagation).toBe(false);
    expect(memory.find(SCRIPT, both, eventOf({ query: 'b' }), ANN)?.stopPropagation).toBe(true);
    expect(memory.find(SCRIPT, both, eventOf({ query: 'b', id: '6' }), ANN)).toBeUndefined();
  });

  test('what is large is not kept', () => {
    const memory = new RememberedOutcomes();
    const outcome = create(OutcomeSchema, { contentJson: bytes(`"${'x'.repeat(20_000)}"`) });
    const ways = twice(memory, maskOf(), outcome);
    expect(memory.find(SCRIPT, ways, eventOf(), ANN)).toBeUndefined();
  });
});
