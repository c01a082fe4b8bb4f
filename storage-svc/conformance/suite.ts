/** What every backend does alike, however differently it is built: run by `<backend>/<backend>.test.ts`. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tryAbilities } from './abilities.ts';
import { Bench, type Subject } from './bench.ts';
import { tryCancel } from './cancel.ts';
import { tryConditions } from './conditions.ts';
import { tryCrowd } from './crowd.ts';
import { tryErrors } from './errors.ts';
import { tryFolders } from './folders.ts';
import { tryList } from './list.ts';
import { tryNames } from './names.ts';
import { tryRead } from './read.ts';
import { tryStat } from './stat.ts';
import { tryWrite } from './write.ts';

const PARTS: Readonly<Record<string, (bench: () => Bench, subject: Subject) => void>> = {
  stat: tryStat,
  list: tryList,
  read: tryRead,
  write: tryWrite,
  conditions: tryConditions,
  folders: tryFolders,
  names: tryNames,
  errors: tryErrors,
  cancel: tryCancel,
  crowd: tryCrowd,
  abilities: tryAbilities,
};

export function tryStorage(subject: Subject): void {
  let bench: Bench | undefined;
  const opened = (): Bench => bench as Bench;
  beforeEach(async () => {
    bench = new Bench(await subject.open(), subject);
  });
  afterEach(() => bench?.source.close());

  describe.each(Object.keys(PARTS))('%s', (part) => PARTS[part]?.(opened, subject));

  test('its settings have a container and public paths', () => {
    expect(subject.backend.configFields).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'container', type: 'string' }),
        expect.objectContaining({ name: 'public_path', type: 'array', items: 'string', allow_null: true }),
      ]),
    );
  });
}
