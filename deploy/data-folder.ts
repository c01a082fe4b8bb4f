/** The folder of everything that the embedded default stores belongs to one running product at a time. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Component } from '#common/component.ts';
import { MillraceError } from '#common/errors.ts';

/**
 * Creates the folder where it is missing and takes possession of it until `close`. The lock is the operating system's
 * own, held through SQLite: it goes with the process, so that there is no stale one, whatever the process died of.
 *
 * @throws MillraceError conflict when another process has it, unavailable when it cannot be written
 */
export async function takeDataFolder(folder: string): Promise<Component> {
  const pidFile = join(folder, 'millrace.pid');
  let lock: Database.Database;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = new Database(join(folder, 'millrace.lock'), { timeout: 0 });
  } catch (error) {
    throw new MillraceError('unavailable', `The data folder ${folder} cannot be written.`, undefined, error);
  }
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    const holder = readPid(pidFile);
    const message = `The data folder ${folder} is in use by another Millrace${holder && ` (process ${holder})`}.`;
    throw new MillraceError('conflict', message, undefined, error);
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    name: 'data folder',
    drain: async () => {},
    close: async () => {
      if (!lock.open) return;
      rmSync(pidFile, { force: true });
      lock.close();
    },
  };
}

/** For the message only: the lock decides. */
function readPid(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
