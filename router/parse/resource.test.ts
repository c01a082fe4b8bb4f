import { describe, expect, test } from 'vitest';
import {
  BatchMode,
  Selection_Kind as Kind,
  Order_Nulls as Nulls,
  Paging,
  type Read,
  ResourceKind,
  Target,
  type Value,
} from '#proto/data/v1/data_pb.ts';
import { apiRequestOf, type Sent } from '../testing/request.ts';
import { type ParsedResource, parseDatabase, parseSystem } from './resource.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const parse = (sent: Sent): ParsedResource =>
  parseDatabase(apiRequestOf({ headers: JSON_TYPE, ...sent, target: `/api/v2/db/${sent.target}` }));
const plain = ({ kind }: Value): unknown => (kind.case === 'list' ? kind.value.values.map(plain) : kind.value);

/** A list stands for the text of the records. */
const recordsOf = ({ records }: ParsedResource) => Buffer.from(records).toString();

describe('which call it is', () => {
  const CASES: {
    sent: Sent;
    action: string;
    target?: Target;
    keys?: unknown[];
    single?: boolean;
    repeatable?: boolean;
    records?: string;
  }[] = [
    { sent: { target: '_table/a' }, action: 'read', target: Target.FILTER, repeatable: true },
    { sent: { target: '_table/a/5' }, action: 'read', target: Target.ONE, keys: ['5'], single: true, repeatable: true },
    {
      sent: { target: '_table/a/x%2Fy' },
      action: 'read',
      target: Target.ONE,
      keys: ['x/y'],
      single: true,
      repeatable: true,
    },
    { sent: { target: '_TABLE/a?ids=1,2' }, action: 'read', target: Target.KEYS, keys: ['1', '2'], repeatable: true },
    {
      sent: { target: '_table/a?count_only=true' },
      action: 'read',
      target: Target.FILTER,
      single: true,
      repeatable: true,
    },
    {
      sent: { method: 'POST', target: '_table/a?method=GET', body: '{"ids":[1,"b",[2,3]]}' },
      action: 'read',
      target: Target.KEYS,
      keys: ['1', 'b', ['2', '3']],
      repeatable: true,
    },
    {
      sent: { method: 'POST', target: '_table/a?method=GET', body: '[{"id":1}]' },
      action: 'read',
      target: Target.RECORDS,
      records: '[{"id":1}]',
      repeatable: true,
    },
    { sent: { method: 'POST', target: '_table/a', body: '[{"b":1}]' }, action: 'create', records: '[{"b":1}]' },
    {
      sent: { method: 'PUT', target: '_table/a/5', body: '{"b":1}' },
      action: 'update',
      target: Target.ONE,
      keys: ['5'],
      single: true,
      records: '{"b":1}',
    },
    {
      sent: { method: 'PATCH', target: '_table/a', body: '[{"id":1}]' },
      action: 'update',
      target: Target.RECORDS,
      records: '[{"id":1}]',
    },
    {
      sent: { method: 'PATCH', target: '_table/a?ids=1', body: '[{"b":1}]' },
      action: 'update',
      target: Target.KEYS,
      keys: ['1'],
      records: '[{"b":1}]',
    },
    {
      sent: { method: 'PATCH', target: '_table/a?filter=b%3D1', body: '[{"b":2}]' },
      action: 'update',
      target: Target.FILTER,
      records: '[{"b":2}]',
    },
    {
      sent: { method: 'DELETE', target: '_table/a/5' },
      action: 'delete',
      target: Target.ONE,
      keys: ['5'],
      single: true,
    },
    { sent: { method: 'DELETE', target: '_table/a?filter=b%3D1' }, action: 'delete', target: Target.FILTER },
    {
      sent: { method: 'DELETE', target: '_table/a?force=true' },
      action: 'delete',
      target: Target.FILTER,
      single: true,
    },
    {
      sent: { method: 'DELETE', target: '_table/a', body: '[{"id":1}]' },
      action: 'delete',
      target: Target.RECORDS,
      records: '[{"id":1}]',
    },
    { sent: { target: '' }, action: 'listResources', repeatable: true },
    { sent: { target: '_table' }, action: 'listResources', repeatable: true },
    { sent: { target: '_schema' }, action: 'listResources', repeatable: true },
    { sent: { target: '_schema?ids=a,b' }, action: 'describeTables', target: Target.KEYS, repeatable: true },
    { sent: { target: '_schema/a' }, action: 'describeTables', target: Target.ONE, single: true, repeatable: true },
    { sent: { target: '_schema/a/_field' }, action: 'describeParts', target: Target.KEYS, repeatable: true },
    {
      sent: { target: '_schema/a/_related/r' },
      action: 'describeParts',
      target: Target.ONE,
      single: true,
      repeatable: true,
    },
    { sent: { target: '_schema/a/f' }, action: 'describeParts', target: Target.ONE, single: true, repeatable: true },
    {
      sent: { method: 'POST', target: '_schema', body: '[{"name":"a"}]' },
      action: 'defineTables',
      records: '[{"name":"a"}]',
    },
    { sent: { method: 'DELETE', target: '_schema/a' }, action: 'dropTables', target: Target.ONE, single: true },
    { sent: { method: 'DELETE', target: '_schema/a/_field/f' }, action: 'dropParts', single: true },
  ];
  test.each(CASES)(
    '$sent.method $sent.target',
    ({ sent, action, target, keys = [], single = false, repeatable = false, records = '' }) => {
      const parsed = parse(sent);
      expect(parsed.shape.action.case).toBe(action);
      expect((parsed.shape.action.value as { target?: Target }).target).toBe(target);
      expect(parsed.keys.map(plain)).toEqual(keys);
      expect([parsed.single, parsed.repeatable, recordsOf(parsed)]).toEqual([single, repeatable, records]);
    },
  );

  const REFUSED: { sent: Sent; code: string }[] = [
    { sent: { target: 'nope' }, code: 'not_found' },
    { sent: { target: '_table/a/1/2' }, code: 'not_found' },
    { sent: { target: '_table//' }, code: 'not_found' },
    { sent: { method: 'DELETE', target: '_table/a//' }, code: 'not_found' },
    { sent: { method: 'POST', target: '_schema//', body: '[{"name":"a"}]' }, code: 'not_found' },
    { sent: { method: 'POST', target: '_schema/a/_field//', body: '[{"name":"b"}]' }, code: 'not_found' },
    { sent: { target: '_schema/a/_field/f/x' }, code: 'not_found' },
    { sent: { method: 'POST', target: '' }, code: 'unsupported' },
    { sent: { method: 'DELETE', target: '_table' }, code: 'unsupported' },
    { sent: { method: 'POST', target: '_table/a/5', body: '[{"b":1}]' }, code: 'invalid' },
    { sent: { method: 'POST', target: '_table/a', body: '{"b":1}' }, code: 'invalid' },
    { sent: { method: 'POST', target: '_table/a', body: '{"b":' }, code: 'invalid' },
    { sent: { method: 'DELETE', target: '_table/a' }, code: 'invalid' },
    { sent: { method: 'DELETE', target: '_table/a?force=false' }, code: 'invalid' },
    { sent: { method: 'PATCH', target: '_table/a?rollback=1&continue=1', body: '[{"id":1}]' }, code: 'invalid' },
    { sent: { target: '_table/a?filter=%3D%201' }, code: 'invalid' },
    { sent: { target: `_table/a?ids=${'1,'.repeat(10_001)}` }, code: 'invalid' },
    { sent: { method: 'HEAD', target: '_table/a' }, code: 'unsupported' },
    { sent: { method: 'OPTIONS', target: '_schema/a' }, code: 'unsupported' },
  ];
  test.each(REFUSED)('$sent.method $sent.target is refused', ({ sent, code }) => {
    expect(() => parse(sent)).toThrow(expect.objectContaining({ code }));
  });
});

test('names may be anything that JSON can say', () => {
  const { shape } = parse({ method: 'POST', target: '_table/a?method=GET', body: '{"fields":["b",{"toString":1}]}' });
  expect(shape.action.value).toMatchObject({ selection: { names: ['b', '{"toString":1}'] } });
});

describe('options of a read', () => {
  const CASES: { why: string; query: string; read: object }[] = [
    {
      why: 'none',
      query: '',
      read: { selection: { kind: Kind.ALL }, limit: 0, offset: 0, mode: BatchMode.STOP, paging: Paging.UNSPECIFIED },
    },
    {
      why: 'fields',
      query: 'fields=a,%20b,COUNT(a,%20b)',
      read: { selection: { kind: Kind.LISTED, names: ['a', 'b', 'COUNT(a, b)'] } },
    },
    { why: 'all fields', query: 'fields=a,*', read: { selection: { kind: Kind.ALL } } },
    { why: 'no field is the key', query: 'fields=', read: { selection: { kind: Kind.KEY } } },
    {
      why: 'other names',
      query: 'select=a&top=5&skip=2&sort=b&group_by=c',
      read: { selection: { names: ['a'] }, limit: 5, offset: 2, order: [{ field: 'b' }], group: ['c'] },
    },
    { why: 'a limit that is none', query: 'limit=-1&offset=x', read: { limit: 0, offset: 0 } },
    { why: 'a huge limit', query: 'limit=99999999999', read: { limit: 0xffffffff } },
    {
      why: 'order',
      query: 'order=a%20DESC,b%20asc%20nulls%20last,"c%20d"%20desc%20nulls%20first,e%20sideways',
      read: {
        order: [
          { field: 'a', descending: true, nulls: Nulls.UNSPECIFIED },
          { field: 'b', descending: false, nulls: Nulls.LAST },
          { field: 'c d', descending: true, nulls: Nulls.FIRST },
          { field: 'e', descending: false },
        ],
      },
    },
    {
      why: 'count and schema',
      query: 'include_count=Y&include_schema=1',
      read: { includeCount: true, includeSchema: true },
    },
    { why: 'going on', query: 'continue=true', read: { mode: BatchMode.CONTINUE } },
    { why: 'the first page', query: 'after=', read: { paging: Paging.FIRST } },
    {
      why: 'relations',
      query: 'related=r,s.t&r.fields=x&r.limit=3&r.order=y%20desc&s.t.count_only=true',
      read: {
        related: [
          { name: 'r', selection: { names: ['x'] }, limit: 3, order: [{ field: 'y', descending: true }] },
          { name: 's', related: [{ name: 't', countOnly: true }] },
        ],
      },
    },
  ];
  test.each(CASES)('$why', ({ query, read }) => {
    expect(parse({ target: `_table/a?${query}` }).shape.action.value).toMatchObject(read);
  });

  test('a statement in an order is refused', () => {
    expect(() => parse({ target: '_table/a?order=a;drop%20table%20b' })).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    );
  });

  test('values of all filters are numbered in one row', () => {
    const parsed = parse({ target: '_table/a?filter=b%3D1&group=b&having=c%3D2&related=r&r.filter=d%3D3' });
    expect(parsed.parameters.map(plain)).toEqual(['1', '2', '3']);
    const { filter, having, related } = parsed.shape.action.value as Read;
    const operand = (index: number) => ({ node: { value: { operands: [{ kind: { value: index } }] } } });
    expect([filter, having, related[0]?.filter]).toMatchObject([operand(0), operand(1), operand(2)]);
  });

  test('parameters replace, from the query before the body', () => {
    const body = '{"filter":"a = :x and b = :y","params":{":x":1,":y":2}}';
    const { parameters } = parse({ method: 'POST', target: '_table/a?method=GET&params[:x]=9', body });
    expect(parameters.map(plain)).toEqual(['9', '2']);
  });

  test('the query wins over the body', () => {
    const { shape } = parse({ method: 'POST', target: '_table/a?method=GET&limit=1', body: '{"limit":2,"offset":3}' });
    expect(shape.action.value).toMatchObject({ limit: 1, offset: 3 });
  });

  test('what is unknown is refused where that is asked for', () => {
    const headers = { prefer: 'handling=strict' };
    expect(parse({ target: '_table/a?fields=a&r.limit=1', headers }).shape.strict).toBe(true);
    expect(() => parse({ target: '_table/a?feilds=a', headers })).toThrow(expect.objectContaining({ code: 'invalid' }));
    expect(parse({ target: '_table/a?feilds=a' }).shape.strict).toBe(false);
  });
});

describe('lists of what there is', () => {
  const CASES = [
    { target: '', listing: '', kind: ResourceKind.ROOT },
    { target: '_table?schema=s&refresh=true', listing: '_table', kind: ResourceKind.TABLE },
    { target: '_schema', listing: '_schema', kind: ResourceKind.SCHEMA },
  ];
  test.each(CASES)('$target', ({ target, listing, kind }) => {
    const parsed = parse({ target });
    expect(parsed.listing).toBe(listing);
    expect(parsed.table).toBeUndefined();
    expect(parsed.shape.action.value).toMatchObject({ kind });
  });
});

describe("the system's records", () => {
  const parseIn = (sent: Sent) =>
    parseSystem(apiRequestOf({ headers: JSON_TYPE, ...sent, target: `/api/v2/system/${sent.target}` }));

  test('are no table with conditions', () => {
    const parsed = parseIn({ target: 'Role/3?related=role_service_access_by_role_id' });
    expect(parsed.table).toBeUndefined();
    expect(parsed.shape.action.value).toMatchObject({ table: 'role', target: Target.ONE });
  });

  test('types are chosen by group, beside a filter', () => {
    const parsed = parseIn({ target: "service_type?group=Database,Big%20Data&filter=name%3D'x'" });
    expect(parsed.parameters.map(plain)).toEqual(['x', 'Database', 'Big Data']);
    expect(parsed.shape.action.value).toMatchObject({
      group: [],
      filter: {
        node: {
          case: 'all',
          value: { filters: [{}, { node: { value: { operands: [{ kind: { value: 1 } }, { kind: { value: 2 } }] } } }] },
        },
      },
    });
  });

  test('a new key is made where that is asked for, whatever the record says', () => {
    const parsed = parseIn({ method: 'PATCH', target: 'app/4?regenerate=true', body: '{"api_key":"mine","name":"x"}' });
    expect(JSON.parse(recordsOf(parsed))).toEqual({ api_key: null, name: 'x' });
  });

  test.each(['admin/password/x', 'role/1/2'])('%s is not there', (target) => {
    expect(() => parseIn({ target })).toThrow(expect.objectContaining({ code: 'not_found' }));
  });
});

describe('conditions in the words of a store', () => {
  const read = (sent: Sent) => {
    const { shape, parameters } = parse(sent);
    return { filter: (shape.action.value as Read).filter?.node, parameters: parameters.map(plain) };
  };
  const asGet = { method: 'POST', target: '_table/a?method=GET' };

  test.each<[string, Sent, string]>([
    ['text', { target: `_table/a?filter=${encodeURIComponent('{"age":{"$gt":3}}')}` }, '{"age":{"$gt":3}}'],
    ['text with blanks around', { target: `_table/a?filter=${encodeURIComponent(' {"a":1} ')}` }, ' {"a":1} '],
    ['an object in the body', { ...asGet, body: '{"filter":{"age":{"$gt":3}}}' }, '{"age":{"$gt":3}}'],
    [
      'text in the body',
      { ...asGet, body: '{"filter":"{\\"a\\":12345678901234567890}"}' },
      '{"a":12345678901234567890}',
    ],
  ])('%s', (_, sent, text) => {
    expect(read(sent)).toEqual({ filter: { case: 'native', value: 0 }, parameters: [text] });
  });

  test('nothing else is one', () => {
    expect(read({ target: `_table/a?filter=${encodeURIComponent('a = 5')}` }).filter?.case).toBe('comparison');
    expect(() => read({ target: `_table/a?filter=${encodeURIComponent('{"a":}')}` })).toThrow();
    expect(read({ ...asGet, body: '{"filter":["a"]}' }).filter).toBeUndefined();
  });

  test('how it would be done is a preference', () => {
    const explains = (prefer: string) =>
      (parse({ target: '_table/a', headers: { prefer } }).shape.action.value as Read).explain;
    expect([explains('explain'), explains('return=minimal, explain'), explains('count=exact')]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
