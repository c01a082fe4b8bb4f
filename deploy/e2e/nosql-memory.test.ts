/** Collections of any length pass through the NoSQL tier in flat memory, in and out, also where a client is slow. */
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { suiteWith } from '../testing/suite.ts';
import type { Client, Headers } from './client.ts';
import { DOCUMENT_STORES, type DocumentStore, type OpenStore } from './nosql-stores.ts';
import { until } from './process.ts';
import { signIn, Tiers, untilServing } from './product.ts';

const NDJSON = 'application/x-ndjson';
const MEGABYTE = 1e6;
/** Of each document, to the byte nearly. */
const DOCUMENT_BYTES = 1_500;
const PAD = 'x'.repeat(DOCUMENT_BYTES - 60);
/** Far less than what passes through. */
const BOUND_MEGABYTES = 110;
/**
 * Where V8 may grow it does, to collect less often: half of what passes through may be garbage that nobody has looked for
 * yet. What cannot be collected does not fit here, and ends the process.
 */
const HEAP = { NODE_OPTIONS: '--max-old-space-size=128' };
const WARM = 5_000;
/** Lines that are sent together. */
const CHUNK = 100;
const SAMPLE_MS = 20;

/** On the emulators of other stores the same takes minutes. */
const DOCUMENTS: Readonly<Record<string, number>> = { MongoDB: 160_000 };
const hasProc = existsSync('/proc/self/status');

function residentMegabytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / MEGABYTE;
}

/** What the process held at the peak of the work, beyond what it held before. */
async function peakOver(pid: number, work: () => Promise<unknown>): Promise<number> {
  const base = residentMegabytes(pid);
  let peak = base;
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMegabytes(pid));
  }, SAMPLE_MS);
  try {
    await work();
  } finally {
    clearInterval(watch);
  }
  return peak - base;
}

function suites(store: DocumentStore, count: number): void {
  let opened: OpenStore;
  let tiers: Tiers;
  let admin: Client;
  let pid: number;

  const call = (method: string, path: string, headers: Headers) =>
    request(`${tiers.origin}/api/v2/${path}`, { method, agent: false, headers: { ...admin.headers, ...headers } });

  function* lines(from: number, to: number): Generator<string> {
    for (let at = from; at < to; at += CHUNK) {
      let text = '';
      for (let i = at; i < Math.min(at + CHUNK, to); i++) {
        text += `{"${store.key}":"k${i}","n":${i},"even":${i % 2 === 0},"pad":"${PAD}"}\n`;
      }
      yield text;
    }
  }

  async function upload(from: number, to: number): Promise<unknown> {
    const sent = call('POST', 'docs/_table/big', { 'Content-Type': NDJSON });
    const answered = new Promise<string>((resolve, reject) => {
      sent.once('error', reject);
      sent.once('response', async (response) => {
        let text = '';
        for await (const part of response.setEncoding('utf8')) text += part;
        resolve(text);
      });
    });
    await pipeline(Readable.from(lines(from, to)), sent);
    return JSON.parse(await answered);
  }

  const open = (query = ''): Promise<Readable> =>
    new Promise((resolve, reject) => {
      const sent = call('GET', `docs/_table/big${query}`, { Accept: NDJSON });
      sent.once('error', reject).once('response', resolve).end();
    });

  async function linesOf(found: Readable): Promise<number> {
    let ends = 0;
    for await (const part of found as AsyncIterable<Buffer>) {
      for (let at = part.indexOf(10); at >= 0; at = part.indexOf(10, at + 1)) ends++;
    }
    return ends;
  }

  beforeAll(async () => {
    opened = await store.open();
    tiers = new Tiers(HEAP);
    await tiers.start('system', 'sql', 'nosql');
    await tiers.start('router');
    admin = await signIn(tiers.anyone);
    await untilServing(admin);
    await until('the NoSQL tier serves', async () => {
      const { status } = await admin.send('GET', `system/service_type/${opened.type}`);
      return status === 200 || undefined;
    });
    const { type, config } = opened;
    await admin.create('system/service', { name: 'docs', label: 'Docs', type, is_active: true, config });
    await admin.json('POST', 'docs/_schema', { resource: [{ name: 'big' }] });
    ({ pid } = tiers.of('nosql'));
    // What is made once is there before anything is measured.
    await upload(0, WARM);
    await linesOf(await open());
    await linesOf(await open('?filter=n%20%3E%20-1'));
  });
  afterAll(async () => {
    await tiers?.stop();
    await opened?.stop();
  });

  /** Told as well, as it is what is to be known. */
  const bounded = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const megabytes = await peakOver(pid, work);
    const passed = Math.round((count * DOCUMENT_BYTES) / MEGABYTE);
    console.info(`${store.name}, ${what} of ${passed} MB: ${Math.round(megabytes)} MB at the peak over what it held`);
    expect(megabytes).toBeLessThan(BOUND_MEGABYTES);
  };

  test('an import', () =>
    bounded('an import', async () => {
      expect(await upload(WARM, count)).toEqual({ count: count - WARM });
    }));

  test('a list', () =>
    bounded('a list', async () => {
      expect(await linesOf(await open())).toBe(count);
    }));

  test('a list of what is decided here', () =>
    bounded('a list of what is decided here', async () => {
      // A name with `$` is no name to MongoDB.
      const filter = encodeURIComponent('($x is null) and (even = true)');
      expect(await linesOf(await open(`?filter=${filter}`))).toBe(count / 2);
    }));

  test('a list that nobody takes, beside one that is taken', () =>
    bounded('a list that nobody takes', async () => {
      const untaken = await open();
      try {
        expect(await linesOf(await open())).toBe(count);
      } finally {
        untaken.destroy();
      }
    }));
}

for (const store of DOCUMENT_STORES) {
  const count = DOCUMENTS[store.name] ?? 0;
  if (count === 0) continue;
  const body = () =>
    hasProc ? suites(store, count) : test.skip('no /proc tells how much memory a process has', () => {});
  if (store.needs) suiteWith(store.needs, store.name, body);
  else describe(store.name, body);
}
