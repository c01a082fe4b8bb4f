/** Makes the database behind the sample service `db`: two tables of real data, related to each other twice. */
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

const TABLES = `
  CREATE TABLE airport (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    iata VARCHAR(4) NOT NULL UNIQUE,
    name VARCHAR(80) NOT NULL,
    city VARCHAR(60),
    state VARCHAR(2),
    country VARCHAR(40) NOT NULL,
    latitude DOUBLE NOT NULL,
    longitude DOUBLE NOT NULL
  );
  CREATE TABLE route (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    origin_id INTEGER NOT NULL REFERENCES airport (id) ON DELETE CASCADE,
    destination_id INTEGER NOT NULL REFERENCES airport (id) ON DELETE CASCADE,
    flights INTEGER NOT NULL,
    UNIQUE (origin_id, destination_id)
  );
  CREATE INDEX route_destination ON route (destination_id);`;

/**
 * Creates the SQLite file with the tables `airport` and `route`; leaves one that exists alone. Half a file is never
 * seen under its name.
 *
 * @param folder  where airports.csv and routes.csv are
 */
export function createSampleDatabase(file: string, folder: string): void {
  if (existsSync(file)) return;
  const unfinished = `${file}.new`;
  rmSync(unfinished, { force: true });
  const database = new Database(unfinished);
  try {
    database.exec(TABLES);
    database.transaction(() => {
      fillAirports(database, parseCsv(readFileSync(join(folder, 'airports.csv'), 'utf8')));
      fillRoutes(database, parseCsv(readFileSync(join(folder, 'routes.csv'), 'utf8')));
    })();
  } finally {
    database.close();
  }
  renameSync(unfinished, file);
}

function fillAirports(database: Database.Database, rows: readonly string[][]): void {
  const insert = database.prepare(
    'INSERT INTO airport (iata, name, city, state, country, latitude, longitude) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  for (const [iata, name, city, state, country, latitude, longitude] of rows) {
    insert.run(iata, name, known(city), known(state), country, Number(latitude), Number(longitude));
  }
}

function fillRoutes(database: Database.Database, rows: readonly string[][]): void {
  const insert = database.prepare(
    `INSERT INTO route (origin_id, destination_id, flights)
     VALUES ((SELECT id FROM airport WHERE iata = ?), (SELECT id FROM airport WHERE iata = ?), ?)`,
  );
  for (const [origin, destination, flights] of rows) insert.run(origin, destination, Number(flights));
}

const known = (text: string | undefined): string | null => (text === undefined || text === 'NA' ? null : text);

/** Rows behind the header of an RFC 4180 file: fields may be quoted, a quote inside is doubled. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  // Each match is one field and what ends it: a comma, the end of the line, or the end of the file.
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/g)) {
    row.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === ',') continue;
    if (row.length > 1) rows.push(row);
    row = [];
  }
  return rows.slice(1);
}
