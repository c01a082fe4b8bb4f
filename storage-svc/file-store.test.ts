/** The tier as its callers meet it: streams, cancelling, time, failures. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FILE_ENTRIES_MAX, MIB } from '#common/bounds.ts';
import { callerGone, Deadline, deadlinePassed } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { FileStoreClient } from '#common/files/client.ts';
import { Removal_Kind } from '#proto/access/v1/access_pb.ts';
import { Family } from '#proto/files/v1/files_pb.ts';
import { bodyOf, SERVICES, soon, startTier, type Tier } from './testing/tier.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');
const collected = async (body: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(Buffer.from(piece)); // a shared one is written anew
  return Buffer.concat(pieces);
};

/** Of a number that grows: where it stays. */
async function standstill(read: () => number): Promise<number> {
  for (let same = 0, last = read(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    same = read() === last ? same + 1 : 0;
    last = read();
    if (same === 10) return last;
  }
}

describe.each([
  { how: 'by gRPC alone', byLine: false },
  { how: 'large contents by a line of their own', byLine: true },
])('$how', ({ byLine }) => {
  let tier: Tier;
  beforeAll(async () => {
    tier = await startTier(byLine);
  });
  afterAll(() => tier.close());

  describe.each(SERVICES)('%s', (service) => {
    const family = service === 'disk' ? Family.LOCAL : Family.OBJECT;
    const write = (path: string, ...pieces: readonly (string | Uint8Array)[]) =>
      tier.client.write({ service }, { path }, bodyOf(...pieces), soon());
    const stat = async (path: string, digests: string[] = []) => tier.client.stat({ service }, path, digests, soon());

    test('a large file there and back, with its sums', async () => {
      const content = Buffer.alloc(20 * MIB, 'millrace ');
      const digests = { 'sha-256': sha256(content) };
      const pieces = Array.from({ length: 20 }, (_, n) => content.subarray(n * MIB, (n + 1) * MIB));
      const options = { path: 'large.bin', size: BigInt(content.length), digests };
      const written = await tier.client.write({ service }, options, bodyOf(...pieces), soon());
      expect(written).toMatchObject({ entry: { path: 'large.bin', size: content.length }, family, digests });
      const read = await tier.client.read({ service }, { path: 'large.bin', byLine }, soon());
      expect(read.entry).toMatchObject({ size: content.length, etag: written.entry.etag });
      expect(sha256(await collected(read.body))).toBe(digests['sha-256']);
      const asked = await stat('large.bin', ['sha-256', 'md5']);
      expect(asked.digests).toEqual({ ...digests, md5: createHash('md5').update(content).digest('base64') });
      expect(asked.family).toBe(family);
    });

    test('content types: what was said, what the name tells, neither', async () => {
      await write('page.html', '<p>');
      await write('odd', 'x');
      expect((await stat('page.html')).entry?.contentType).toBe('text/html');
      expect((await stat('odd')).entry?.contentType).toBe('application/octet-stream');
      expect((await stat('')).entry).toMatchObject({ isFolder: true, contentType: undefined });
    });

    test('nothing there is an answer, and no entry', async () => {
      expect(await stat('nothing')).toMatchObject({ entry: undefined, family });
    });

    test('a range, and a version that is meant', async () => {
      const { entry } = await write('range', '0123456789');
      const options = { path: 'range', byLine, range: { offset: 3n, length: 4n }, ifEtag: entry.etag ?? '' };
      const read = await tier.client.read({ service }, options, soon());
      expect(String(await collected(read.body))).toBe('3456');
      const other = tier.client.read({ service }, { ...options, ifEtag: 'other' }, soon());
      await expect(other).rejects.toMatchObject({ code: 'contradiction' });
      const huge = tier.client.read(
        { service },
        { path: 'range', byLine, range: { offset: 2n ** 60n, length: 1n } },
        soon(),
      );
      await expect(huge).rejects.toMatchObject({ code: 'invalid' });
    });

    const REFUSED = [
      { why: 'no folder above', options: { path: 'no/such/file' }, code: 'not_found' },
      { why: 'a file above', options: { path: 'there/file' }, code: 'conflict' },
      { why: 'the root', options: { path: '' }, code: 'invalid' },
      { why: 'something is there', options: { path: 'there', createOnly: true }, code: 'conflict' },
      { why: 'another version is there', options: { path: 'there', ifEtag: 'other' }, code: 'contradiction' },
      { why: 'too short', options: { path: 'new', size: 9n }, code: 'invalid' },
      { why: 'too long', options: { path: 'new', size: 3n }, code: 'invalid' },
      { why: 'another sum', options: { path: 'new', digests: { md5: 'AAAA' } }, code: 'invalid' },
      {
        why: 'another sum of a file that is there',
        options: { path: 'there', digests: { md5: 'A' } },
        code: 'invalid',
      },
      { why: 'a sum that nobody knows', options: { path: 'new', digests: { crc: 'AAAA' } }, code: 'invalid' },
    ];
    test.each(REFUSED)('a write is refused, and nothing kept: $why', async ({ options, code }) => {
      await write('there', 'before');
      const refused = tier.client.write({ service }, options, bodyOf('new', 'er'), soon());
      await expect(refused).rejects.toMatchObject({ code, cause: undefined });
      expect((await stat('new')).entry).toBeUndefined();
      expect(
        String(await collected((await tier.client.read({ service }, { path: 'there', byLine }, soon())).body)),
      ).toBe('before');
    });

    test('a refusal comes before all of the body was taken', async () => {
      let taken = 0;
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) {
          taken++;
          yield Buffer.alloc(MIB);
        }
      }
      const refused = tier.client.write({ service }, { path: 'no/such/file' }, endless(), soon());
      await expect(refused).rejects.toMatchObject({ code: 'not_found' });
      expect(taken).toBeLessThan(50);
    });

    test('folders above are made where that is wanted', async () => {
      await tier.client.write({ service }, { path: 'made/as/needed/file', makeFolders: true }, bodyOf('x'), soon());
      expect((await stat('made/as')).entry).toMatchObject({ isFolder: true });
    });

    test('a body that throws leaves nothing, and throws its own error', async () => {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(MIB);
        throw invalid('The form ends too early.');
      }
      const written = tier.client.write({ service }, { path: 'broken' }, broken(), soon());
      await expect(written).rejects.toMatchObject({ code: 'invalid', message: 'The form ends too early.' });
      expect((await stat('broken')).entry).toBeUndefined();
    });

    test('a sender that falls silent ends with its deadline, and leaves nothing', async () => {
      const deadline = Deadline.after(60_000);
      async function* silent(): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(MIB);
        setImmediate(() => deadline.abort(deadlinePassed()));
        await new Promise(() => {});
      }
      const written = tier.client.write({ service }, { path: 'silent' }, silent(), deadline);
      await expect(written).rejects.toMatchObject({ code: 'deadline' });
      expect((await stat('silent')).entry).toBeUndefined();
    });

    test('a reader who leaves early ends the reading, also one who never began', async () => {
      await write('long', Buffer.alloc(20 * MIB));
      for (const isBegun of [true, false]) {
        const { body } = await tier.client.read({ service }, { path: 'long', byLine }, soon());
        if (isBegun) await body.next();
        await body.return?.();
      }
      await expect.poll(() => tier.client.inFlight).toBe(0);
      if (service === 'memory') await expect.poll(() => tier.memory.reading).toBe(0);
    });

    test('a slow reader stops the reading at the storage', async () => {
      await write('long', Buffer.alloc(20 * MIB));
      const deadline = soon();
      const { body } = await tier.client.read({ service }, { path: 'long', byLine }, deadline);
      await body.next();
      if (service === 'memory') expect(tier.memory.reading).toBe(1);
      deadline.abort(callerGone());
      await expect(body.next()).rejects.toMatchObject({ code: 'cancelled' });
      if (service === 'memory') await expect.poll(() => tier.memory.reading).toBe(0);
    });

    test('a large folder comes in groups, sorted; leaving early is fine', async () => {
      await tier.client.change({ service }, [{ kind: { case: 'makeFolder', value: { path: 'many' } } }], soon());
      const names = Array.from({ length: FILE_ENTRIES_MAX * 2 + 5 }, (_, n) => `many/${String(n).padStart(4, '0')}`);
      for (const name of names) await write(name, 'x');
      const { folder, entries } = await tier.client.list({ service }, { path: 'many' }, soon());
      expect(folder).toMatchObject({ path: 'many', isFolder: true });
      const paths: string[] = [];
      for await (const group of entries) paths.push(...group.map(({ path }) => path));
      expect(paths).toEqual(names);
      const again = await tier.client.list({ service }, { path: 'many' }, soon());
      for await (const group of again.entries) {
        expect(group.length).toBeLessThanOrEqual(FILE_ENTRIES_MAX);
        break;
      }
      await expect.poll(() => tier.client.inFlight).toBe(0);
    });

    test('a folder as a zip', async () => {
      await tier.client.change({ service }, [{ kind: { case: 'makeFolder', value: { path: 'zipped' } } }], soon());
      await write('zipped/ä.txt', 'content');
      const { entry, body } = await tier.client.pack({ service }, 'zipped', soon());
      expect(entry).toMatchObject({ path: 'zipped', isFolder: true });
      const zip = await collected(body);
      expect(zip.readUInt32LE(0)).toBe(0x04034b50);
      expect(zip.includes(service === 'disk' ? 'zipped/ä.txt' : 'ä.txt')).toBe(true);
      await expect(tier.client.pack({ service }, 'nothing', soon())).rejects.toMatchObject({ code: 'not_found' });
    });

    test.each(['nothing', 'no/such', 'a file'])('no folder to list: %s', async (path) => {
      await write('a file', 'x');
      await expect(tier.client.list({ service }, { path }, soon())).rejects.toMatchObject({ code: 'not_found' });
    });
  });

  test('a reader who takes nothing stops the reading, a storage that takes nothing stops the sender', async () => {
    const context = { service: 'memory' };
    const size = 30 * MIB;
    let [sent, go] = [0, (): void => {}];
    async function* content(): AsyncGenerator<Uint8Array> {
      for (; sent < size; sent += 65_536) yield Buffer.alloc(65_536);
    }
    tier.memory.pause = new Promise((resolve) => {
      go = resolve;
    });
    const writing = tier.client.write(context, { path: 'both' }, content(), soon());
    expect(await standstill(() => sent)).toBeLessThan(4 * MIB);
    go();
    await writing;

    const before = tier.memory.taken;
    const { body } = await tier.client.read(context, { path: 'both', byLine }, soon());
    await body.next();
    expect((await standstill(() => tier.memory.taken)) - before).toBeLessThan(4 * MIB);
    expect((await collected(body)).length).toBeGreaterThan(size - MIB);
  });

  test('nothing unfinished stays on the disk', async () => {
    const own = join(tier.root, '.millrace');
    await expect.poll(() => execFileSync('find', [own, '-type', 'f'], { encoding: 'utf8' })).toBe('');
  });

  test.each(['nothing', 'db', ''])("no such service: '%s'", async (service) => {
    const asked = tier.client.stat({ service }, 'a', [], soon());
    await expect(asked).rejects.toMatchObject({ code: service === '' ? 'invalid' : 'not_found' });
  });

  test('a service whose settings change is another one; calls at the old one come to their end', async () => {
    const push = (container: string) =>
      tier.push({
        services: [{ id: 9, name: 'turn', type: 'local_file', configJson: Buffer.from(JSON.stringify({ container })) }],
      });
    push('one');
    await tier.client.write({ service: 'turn' }, { path: 'a' }, bodyOf(Buffer.alloc(5 * MIB)), soon());
    const { body } = await tier.client.read({ service: 'TURN' }, { path: 'a', byLine }, soon());
    await body.next();
    push('two');
    expect((await tier.client.stat({ service: 'turn' }, 'a', [], soon())).entry).toBeUndefined();
    expect((await collected(body)).length).toBeGreaterThan(4 * MIB);
    tier.push({ removals: [{ kind: Removal_Kind.SERVICE, id: 9 }] });
    await expect(tier.client.stat({ service: 'turn' }, 'a', [], soon())).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a service that is pushed a moment later is waited for', async () => {
    const asked = tier.client.stat({ service: 'later' }, '', [], soon());
    setTimeout(() => tier.push({ services: [{ id: 10, name: 'later', type: 'memory' }] }), 20);
    expect((await asked).entry).toMatchObject({ isFolder: true });
  });

  test('of two replicas the one that is there answers', async () => {
    const settings = { token: 'token', peer: 'storage' };
    const client = new FileStoreClient([
      { ...settings, address: '127.0.0.1:1' },
      { ...settings, address: tier.address },
    ]);
    try {
      for (let n = 0; n < 10; n++) {
        expect((await client.stat({ service: 'disk' }, '', [], soon())).entry).toMatchObject({ isFolder: true });
      }
    } finally {
      client.close();
    }
  });

  test('without a tier nobody is kept waiting', async () => {
    const client = new FileStoreClient([{ address: '127.0.0.1:1', token: undefined, peer: 'storage' }]);
    try {
      for (const call of [
        client.stat({ service: 'disk' }, '', [], soon()),
        client.read({ service: 'disk' }, { path: 'a', byLine }, soon()),
        client.write({ service: 'disk' }, { path: 'a' }, bodyOf('x'), soon()),
      ]) {
        await expect(call).rejects.toMatchObject({ code: 'unavailable' });
      }
    } finally {
      client.close();
    }
  });

  test('a storage that is at fault says how, and nothing of the inside', async () => {
    writeFileSync(join(tier.root, '..', 'no-folder'), 'x');
    const config = { container: 'no-folder/below' };
    tier.push({
      services: [{ id: 11, name: 'faulty', type: 'local_file', configJson: Buffer.from(JSON.stringify(config)) }],
    });
    const error = await tier.client.stat({ service: 'faulty' }, '', [], soon()).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'unavailable', message: 'The container does not exist.' });
    expect(String(error)).not.toMatch(/no-folder|ENOTDIR|\/tmp/);
  });

  test('what is kept of an upload that broke off', async () => {
    const context = { service: 'disk' };
    const size = 12 * MIB;
    const content = Buffer.alloc(size, 'millrace ');
    const { upload } = await tier.client.beginUpload(context, { path: 'goes on', size: BigInt(size) }, soon());
    async function* broken(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < size / 2; at += MIB) yield content.subarray(at, at + MIB);
      throw invalid('The client is gone.');
    }
    const part = { upload, offset: 0n };
    await expect(tier.client.appendUpload(context, part, {}, broken(), soon())).rejects.toMatchObject({
      code: 'invalid',
    });
    const { offset } = await tier.client.getUpload(context, upload, soon());
    expect(offset).toBe(size / 2);
    const rest = { upload, offset: BigInt(offset) };
    await tier.client.appendUpload(context, rest, {}, bodyOf(content.subarray(offset)), soon());
    const read = await tier.client.read(context, { path: 'goes on', byLine }, soon());
    expect(sha256(await collected(read.body))).toBe(sha256(content));
  });
});
