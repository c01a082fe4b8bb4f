/** A fresh database of one's own on a server of the MySQL family that runs already. */
import { randomUUID } from 'node:crypto';
import mysql from 'mysql2/promise';
import { MillraceError } from '#common/errors.ts';
import { mysqlUrl } from './available.ts';

export interface MysqlDatabase {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Drops it. */
  stop(): Promise<void>;
}

/**
 * @param url      `mysql://user:password@host:port/database`, of a user who may create databases
 * @param collate  of its texts
 * @throws MillraceError unavailable where there is no such server
 */
export async function startMysql(url = mysqlUrl(), collate = 'utf8mb4_unicode_ci'): Promise<MysqlDatabase> {
  if (!url) throw new MillraceError('unavailable', 'MILLRACE_TEST_MYSQL_URL names no MySQL.');
  const { hostname: host, port, username: user, password } = new URL(url);
  const database = `millrace_${randomUUID().replaceAll('-', '')}`;
  const run = async (sql: string): Promise<void> => {
    const client = await mysql.createConnection(url);
    await client.query(sql).finally(() => client.end());
  };
  await run(`create database ${database} character set utf8mb4 collate ${collate}`);
  return {
    ...{ host, port: Number(port || 3306), user, password: decodeURIComponent(password), database },
    stop: () => run(`drop database if exists ${database}`),
  };
}
