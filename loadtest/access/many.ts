/** Fills a system database that nobody uses at this moment, at once: by its API this would take minutes. */
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';

export const USERS = 10_000;
export const ROLES = 1000;
export const APPS = 10_000;
const RULES_OF_A_ROLE = 10;
const ALL_VERBS = 31;
const API_AND_SCRIPT = 3;
const NOW = '2025-01-01T00:00:00.000000Z';

/** As the product makes them: 64 hexadecimal digits. */
export const keyOfApp = (number: number): string => createHash('sha256').update(`app ${number}`).digest('hex');

/** @returns the ids of the last app and of its role, which may use the records of every service */
export function fill(file: string): { appId: number; roleId: number } {
  const database = new Database(file, { fileMustExist: true });
  try {
    return database.transaction(() => fillTables(database))();
  } finally {
    database.close();
  }
}

function fillTables(database: Database.Database): { appId: number; roleId: number } {
  const traced = { created_date: NOW, last_modified_date: NOW };
  const insert = (table: string, row: Readonly<Record<string, string | number | null>>): number => {
    const columns = Object.keys({ ...row, ...traced });
    const names = columns.map((name) => `"${name}"`).join(', ');
    const values = columns.map((name) => `@${name}`).join(', ');
    const statement = database.prepare(`insert into "${table}" (${names}) values (${values})`);
    return Number(statement.run({ ...row, ...traced }).lastInsertRowid);
  };
  const roles = numbers(ROLES).map((number) => {
    const role = insert('role', { name: `role-${number}`, description: `Role ${number}`, is_active: 1 });
    for (const rule of numbers(RULES_OF_A_ROLE)) {
      insert('role_service_access', {
        ...{ role_id: role, service_id: null, component: rule === 1 ? '*' : `_table/table${rule}/*` },
        ...{ verb_mask: ALL_VERBS, requestor_mask: API_AND_SCRIPT, filters: '[]', filter_op: 'AND' },
      });
    }
    return role;
  });
  const roleFor = (number: number): number => roles[number % ROLES]!;
  const apps = numbers(APPS).map((number) =>
    insert('app', {
      ...{ name: `app-${number}`, api_key: keyOfApp(number), description: `App ${number}`, is_active: 1 },
      ...{ type: 0, role_id: roleFor(number) },
    }),
  );
  for (const number of numbers(USERS)) {
    const user = insert('user', {
      ...{ name: `User ${number}`, first_name: 'User', last_name: `${number}`, email: `user-${number}@example.com` },
      ...{ is_active: 1, is_sys_admin: 0, password_hash: 'none', tokens_valid_from: 0 },
    });
    insert('user_to_app_to_role', { user_id: user, app_id: apps[number % APPS]!, role_id: roleFor(number) });
  }
  database.exec('update change_counter set version = version + 1');
  return { appId: apps.at(-1)!, roleId: roleFor(APPS) };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
