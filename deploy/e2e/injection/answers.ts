/** What an answer may not be, whatever was asked. */
import type { Reply } from './wire.ts';

/** Words of databases and drivers about SQL, which no payload holds. */
const DATABASE_SAYS =
  /SQLSTATE|SQLITE_|syntax error|at or near|unterminated|unrecognized token|no such (?:table|column)|error in your SQL|Unknown column|relation .* does not exist|\bER_[A-Z]+_/;

/** @param secret  what no answer may hold  @returns undefined: nothing is wrong with it */
export function faultOf({ status, text }: Pick<Reply, 'status' | 'text'>, secret: string): string | undefined {
  if (status >= 500) return 'a failure of ours';
  if (text.includes(secret)) return 'it tells the secret';
  return status >= 400 && DATABASE_SAYS.test(text) ? 'it tells what the database said' : undefined;
}
