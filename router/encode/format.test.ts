import { expect, test } from 'vitest';
import { pickFormat } from './format.ts';

const FORMATS = [
  { why: 'no Accept', format: 'json' },
  { why: 'an empty Accept', accept: '', format: 'json' },
  { why: 'an empty option', accept: 'text/csv', query: '', format: 'json' },
  { why: 'JSON', accept: 'application/json', format: 'json' },
  { why: 'anything', accept: '*/*', format: 'json' },
  { why: 'a browser', accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', format: 'json' },
  { why: 'anything beside CSV', accept: 'text/csv, */*', format: 'json' },
  { why: 'CSV', accept: 'text/csv', format: 'csv' },
  { why: 'XML', accept: 'application/xml', format: 'xml' },
  { why: 'the other XML', accept: 'TEXT/XML; q=0.5', format: 'xml' },
  { why: 'text', accept: 'text/plain', format: 'text' },
  { why: 'the last of two', accept: 'application/json, text/csv', format: 'csv' },
  { why: 'the last of two, the other way', accept: 'text/csv,application/json;q=0.1', format: 'json' },
  { why: 'an unknown one behind a known one', accept: 'text/csv, text/html', format: 'csv' },
  { why: 'any application type', accept: 'application/*', format: 'json' },
  { why: 'only unknown ones', accept: 'text/html', format: undefined },
  { why: 'the option outranks the header', accept: 'application/json', query: 'application/xml', format: 'xml' },
  { why: 'a file outranks both', accept: 'text/html', query: 'application/xml', file: 'a.csv', format: 'csv' },
  { why: 'a file of JSON by yes', accept: 'text/csv', file: 'true', format: 'json' },
  { why: 'a file with an unknown ending', accept: 'text/csv', file: 'a.dat', format: 'csv' },
  { why: 'a file name without a dot', accept: 'text/csv', file: 'download', format: 'csv' },
];
test.each(FORMATS)('$why', ({ accept, query, file, format }) => {
  expect(pickFormat(accept, query, file, '_table/emp').format).toBe(format);
});

const DISPOSITIONS = [
  { file: undefined, disposition: undefined },
  { file: 'download', disposition: undefined },
  { file: 'true', disposition: 'attachment; filename="_table/emp.json";' },
  { file: 'emp.xml', disposition: 'attachment; filename="emp.xml";' },
  {
    file: 'a"\r\nSet-Cookie: x.csv',
    disposition: `attachment; filename="a___Set-Cookie: x.csv"; filename*=UTF-8''a%22%0D%0ASet-Cookie%3A%20x.csv`,
  },
  { file: 'Zoë (1).csv', disposition: `attachment; filename="Zo_ (1).csv"; filename*=UTF-8''Zo%C3%AB%20%281%29.csv` },
];
test.each(DISPOSITIONS)('file=$file', ({ file, disposition }) => {
  expect(pickFormat(undefined, undefined, file, '_table/emp').disposition).toBe(disposition);
});
