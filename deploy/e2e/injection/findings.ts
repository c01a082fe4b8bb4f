/** Judges a statement log: a payload may be in a text only as a name or a literal that somebody may have made so. */
import type { StatementLog } from './logs.ts';
import { type Mark, markerOf, marksIn } from './marker.ts';
import type { Engine } from './payloads.ts';
import { readSql, type SqlText } from './sql-text.ts';

/** What is known of the request that a marker belongs to. */
export interface Sent {
  /** The whole payload, its marker put in. */
  readonly text: string;
  /** It was sent where names and defaults are made: it may stand in a text, in quotes. */
  readonly isName: boolean;
}

/** undefined for a marker that was never sent. */
export type SentOf = (mark: Mark) => Sent | undefined;

export interface Finding {
  readonly reason: string;
  readonly text: string;
}

export interface Judgement {
  /** Statements that hold a payload, or part of one, as SQL. */
  readonly findings: readonly Finding[];
  /** How many texts hold a payload as a name or a literal, in quotes. */
  readonly quoted: number;
  /** Markers among the values, each once. */
  readonly bound: ReadonlySet<string>;
}

export function judge(log: StatementLog, engine: Engine, sentOf: SentOf): Judgement {
  const marked = log.texts.filter((text) => marksIn(text).length > 0);
  const findings = marked.flatMap((text) => {
    const reason = faultOf(text, engine, sentOf);
    return reason === undefined ? [] : [{ reason, text }];
  });
  const bound = new Set(log.values.flatMap(marksIn).map(markerOf));
  return { findings, quoted: marked.length - findings.length, bound };
}

/** Comments, second statements, dollar quotes, escapes: the product writes none. */
const NOT_OURS = /--|\/\*|\*\/|[;#\\]|\$\w*\$/;

function faultOf(text: string, engine: Engine, sentOf: SentOf): string | undefined {
  if (!marksIn(text).every((mark) => sentOf(mark)?.isName)) return 'a value is part of the text';
  let sql: SqlText;
  try {
    sql = readSql(engine, text);
  } catch (error) {
    return String(error);
  }
  if (marksIn(sql.bare).length > 0) return 'a name is not in quotes';
  if (NOT_OURS.test(sql.bare)) return 'there is a comment, or more than one statement';
  const isCut = sql.quoted.some((part) => marksIn(part).some((mark) => !isWhole(part, sentOf(mark)?.text ?? '')));
  return isCut ? 'what is in quotes is not all that was sent' : undefined;
}

/** Names of indexes and keys are made of the letters of others. */
const LETTERS = /^[\p{L}\p{N}_]+$/u;
/** What the product itself puts in front of a name. */
const SCHEMA = /^\w+\./;

/** The payload as it was sent, alone or behind a schema; or a name that is quoted once more, as a `regclass` is. */
function isWhole(part: string, sent: string): boolean {
  const name = sent.trim();
  if (part === sent || part === name || part.replace(SCHEMA, '') === name || LETTERS.test(part)) return true;
  const [, inner] = /^"\w+"\.(".*")$/s.exec(part) ?? [];
  return inner !== undefined && inner === `"${name.replaceAll('"', '""')}"`;
}
