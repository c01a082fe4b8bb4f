/**
 * The statement log that SQLite has not: preloaded into the product (`NODE_OPTIONS=--import`), it writes every text that
 * is given to better-sqlite3, and every value that is bound, to the file that RECORD_FILE names, one JSON object a line.
 * Plain JavaScript, as nothing has registered a loader yet.
 */
import childProcess from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import Database from 'better-sqlite3';

const file = process.env['RECORD_FILE'];
if (!file) throw new Error('RECORD_FILE is not set.');
const descriptor = openSync(file, 'a');
process.once('exit', () => closeSync(descriptor));

/** @param {{ database: string, text?: string, values?: unknown[] }} entry */
function record(entry) {
  const plain = (_, value) => (typeof value === 'bigint' ? String(value) : value);
  writeSync(descriptor, `${JSON.stringify(entry, plain)}\n`);
}

const { prototype } = Database;
const { prepare, exec, pragma } = prototype;
prototype.prepare = function (text, ...rest) {
  record({ database: this.name, text });
  const statement = prepare.call(this, text, ...rest);
  watchValues(Object.getPrototypeOf(statement));
  return statement;
};
prototype.exec = function (text) {
  record({ database: this.name, text });
  return exec.call(this, text);
};
prototype.pragma = function (text, ...rest) {
  record({ database: this.name, text: `pragma ${text}` });
  return pragma.call(this, text, ...rest);
};

const watched = new WeakSet();
function watchValues(statements) {
  if (watched.has(statements)) return;
  watched.add(statements);
  for (const name of ['run', 'get', 'all', 'iterate', 'bind']) {
    const native = statements[name];
    statements[name] = function (...values) {
      if (values.length > 0) record({ database: this.database.name, values });
      return native.apply(this, values);
    };
  }
}

// The workers that do the SQL are given no environment but what they need; this one is not of that.
const { spawn } = childProcess;
childProcess.spawn = (command, args, options) =>
  Array.isArray(args) && args.some((argument) => String(argument).includes('sqlite-worker'))
    ? spawn(command, ['--import', import.meta.url, ...args], { ...options, env: { ...options.env, RECORD_FILE: file } })
    : spawn(command, args, options);
syncBuiltinESMExports();
