/**
 * What an attacker would write: attacks of each kind in each way out of the place where a text would stand if it were
 * put into SQL. `<m>` is where the marker goes by which a request is found again in a database's log.
 */
export type Engine = 'postgres' | 'mariadb' | 'sqlite';

export type Kind = 'generic' | 'union' | 'time' | 'blind' | 'stacked' | 'identifier' | 'encoding';

export interface Payload {
  readonly kind: Kind;
  /** With `<m>` in it. */
  readonly template: string;
  /** latin1: each character is one byte, so that the text is no UTF-8. */
  readonly charset: 'utf8' | 'latin1';
}

/** Of the attacks by time: far longer than any request takes. */
export const SLEEP_SECONDS = 15;
/** The tables that attacks ask for; what the second one holds is nobody's business. */
export const CANARY = 'canary';
export const SECRET = 'secret';
/** What attacks that create a table call it. */
export const PWNED = 'pwned';

/** Text that would stand in front of an attack, and behind it. */
type Way = readonly [before: string, after: string];

const WAYS: readonly Way[] = [
  ["<m>' ", ' -- '],
  ["<m>') ", ' -- '],
  ["<m>' ", " AND '1'='1"],
  ['1 ', ' -- <m>'],
  ['<m>" ', ' -- '],
  ["x'/**/", '/*<m>*/'],
];
const OWN_WAYS: Readonly<Record<Engine, readonly Way[]>> = {
  postgres: [
    ["<m>\\' ", ' --'],
    ["<m>'::text ", '/*'],
  ],
  mariadb: [
    ["<m>\\' ", ' #'],
    ['<m>` ', ' #'],
    ["<m>' ", ';%00'],
  ],
  sqlite: [
    ["<m>')) ", ';--'],
    ['<m>] ', ' --'],
  ],
};

const GENERIC = [
  'OR 1=1',
  "OR 'a'='a'",
  'oR/**/1/**/lIkE/**/1',
  'AND 1=2',
  'OR 2 BETWEEN 1 AND 3',
  `OR EXISTS (SELECT 1 FROM ${SECRET})`,
  'OR\t1\nIN\r(1)',
];

const UNION: Readonly<Record<Engine, readonly string[]>> = {
  postgres: [
    'UNION SELECT NULL,NULL,NULL,NULL',
    `UNION ALL SELECT id,word,NULL,NULL,NULL,NULL,NULL,NULL FROM ${SECRET}`,
    `UNION SELECT word FROM ${SECRET}`,
    "UNION SELECT 1,string_agg(table_name,','),3 FROM information_schema.tables",
    'UNION SELECT NULL,usename,passwd FROM pg_shadow',
    "UNION SELECT 1,pg_read_file('/etc/passwd'),3",
  ],
  mariadb: [
    'UNION SELECT NULL,NULL,NULL,NULL',
    `UNION ALL SELECT id,word,NULL,NULL,NULL,NULL,NULL,NULL FROM ${SECRET}`,
    `/*!50000UNION*/ /*!50000SELECT*/ word FROM ${SECRET}`,
    'UNION SELECT 1,GROUP_CONCAT(table_name),3 FROM information_schema.tables',
    'UNION SELECT user,authentication_string FROM mysql.user',
    "UNION SELECT 1,LOAD_FILE('/etc/passwd'),3",
  ],
  sqlite: [
    'UNION SELECT NULL,NULL,NULL,NULL',
    `UNION ALL SELECT id,word,NULL,NULL,NULL,NULL,NULL,NULL FROM ${SECRET}`,
    `UNION SELECT word FROM ${SECRET}`,
    'UNION SELECT 1,group_concat(sql),3 FROM sqlite_master',
    "UNION SELECT name,sql FROM sqlite_schema WHERE type='table'",
    "UNION SELECT 1,readfile('/etc/passwd'),3",
  ],
};

const TIME: Readonly<Record<Engine, readonly string[]>> = {
  postgres: [
    `OR 1=(SELECT 1 FROM pg_sleep(${SLEEP_SECONDS}))`,
    `|| (SELECT pg_sleep(${SLEEP_SECONDS}))::text`,
    `OR CASE WHEN 1=1 THEN pg_sleep(${SLEEP_SECONDS}) IS NULL ELSE true END`,
    `; SELECT pg_sleep(${SLEEP_SECONDS})`,
    'OR (SELECT COUNT(*) FROM generate_series(1,2000000000))>0',
  ],
  mariadb: [
    `AND (SELECT 1 FROM (SELECT SLEEP(${SLEEP_SECONDS})) t)`,
    `OR IF(1=1,SLEEP(${SLEEP_SECONDS}),0)`,
    `XOR BENCHMARK(2000000000,SHA2('x',512))`,
    `; SELECT SLEEP(${SLEEP_SECONDS})`,
    `OR GET_LOCK('x',${SLEEP_SECONDS}) AND SLEEP(${SLEEP_SECONDS})`,
  ],
  sqlite: [
    'OR LIKE(1,UPPER(HEX(RANDOMBLOB(900000000))))',
    'OR (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT COUNT(*) FROM n)>0',
    'OR CASE WHEN 1=1 THEN HEX(RANDOMBLOB(900000000)) ELSE 0 END',
    '; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT MAX(i) FROM n',
    'OR (SELECT COUNT(*) FROM json_each(HEX(RANDOMBLOB(900000000))))',
  ],
};

const BLIND: Readonly<Record<Engine, readonly string[]>> = {
  postgres: [
    `AND SUBSTRING((SELECT word FROM ${SECRET} LIMIT 1),1,1)='S'`,
    `AND ASCII(SUBSTR((SELECT word FROM ${SECRET}),1,1))>64`,
    `OR (SELECT COUNT(*) FROM ${SECRET})>0`,
    `OR 1=CAST((SELECT word FROM ${SECRET}) AS int)`,
    `AND (SELECT word FROM ${SECRET}) LIKE 'S%'`,
    'OR 1/(CASE WHEN current_user IS NULL THEN 1 ELSE 0 END)=1',
    `AND query_to_xml('SELECT word FROM ${SECRET}',true,true,'') IS NULL`,
  ],
  mariadb: [
    `AND SUBSTRING((SELECT word FROM ${SECRET} LIMIT 1),1,1)='S'`,
    `AND ASCII(MID((SELECT word FROM ${SECRET}),1,1))>64`,
    `OR (SELECT COUNT(*) FROM ${SECRET})>0`,
    `OR EXTRACTVALUE(1,CONCAT(0x7e,(SELECT word FROM ${SECRET})))`,
    `AND (SELECT word FROM ${SECRET}) RLIKE '^S'`,
    `OR UPDATEXML(1,CONCAT(0x7e,(SELECT word FROM ${SECRET})),1)`,
    `AND ROW(1,1)>(SELECT COUNT(*),CONCAT(word,FLOOR(RAND(0)*2)) x FROM ${SECRET} GROUP BY x)`,
  ],
  sqlite: [
    `AND SUBSTR((SELECT word FROM ${SECRET} LIMIT 1),1,1)='S'`,
    `AND UNICODE((SELECT word FROM ${SECRET}))>64`,
    `OR (SELECT COUNT(*) FROM ${SECRET})>0`,
    `OR 1=ABS((SELECT word FROM ${SECRET})<<63)`,
    `AND (SELECT word FROM ${SECRET}) GLOB 'S*'`,
    "OR load_extension('/tmp/x.so')",
    'AND (SELECT tbl_name FROM sqlite_master LIMIT 1) IS NOT NULL',
  ],
};

const STACKED: Readonly<Record<Engine, readonly string[]>> = {
  postgres: [
    `DROP TABLE ${CANARY} CASCADE`,
    `DELETE FROM ${CANARY}`,
    `UPDATE ${CANARY} SET name=NULL`,
    `CREATE TABLE ${PWNED}_<m>(a int)`,
    `INSERT INTO ${CANARY}(name) VALUES('x')`,
    `COPY ${SECRET} TO PROGRAM 'cat'`,
    `DO $$ BEGIN EXECUTE 'DROP TABLE ${CANARY}'; END $$`,
    'ALTER ROLE CURRENT_USER NOSUPERUSER',
    'SET ROLE pg_monitor; COMMIT',
  ],
  mariadb: [
    `DROP TABLE ${CANARY}`,
    `DELETE FROM ${CANARY}`,
    `UPDATE ${CANARY} SET name=NULL`,
    `CREATE TABLE ${PWNED}_<m>(a int)`,
    `INSERT INTO ${CANARY}(name) VALUES('x')`,
    `SELECT word FROM ${SECRET} INTO OUTFILE '/tmp/<m>'`,
    `PREPARE s FROM 'DROP TABLE ${CANARY}'; EXECUTE s`,
    'SET GLOBAL general_log=OFF',
    'SHUTDOWN; COMMIT',
  ],
  sqlite: [
    `DROP TABLE ${CANARY}`,
    `DELETE FROM ${CANARY}`,
    `UPDATE ${CANARY} SET name=NULL`,
    `CREATE TABLE ${PWNED}_<m>(a int)`,
    `INSERT INTO ${CANARY}(name) VALUES('x')`,
    "ATTACH DATABASE '/tmp/<m>.php' AS a",
    'PRAGMA writable_schema=1; DELETE FROM sqlite_master',
    "VACUUM INTO '/tmp/<m>'",
    'ROLLBACK; COMMIT',
  ],
};
const STACKED_WAYS: readonly Way[] = [
  ["<m>'; ", ' -- '],
  ['1; ', ' -- <m>'],
  ["<m>'); ", '; -- '],
  ['<m>"; ', ' -- '],
];

/** Out of "…", `…` and […], and SQL where a name is expected; short, as names are. */
const IDENTIFIERS = [
  '<m>"',
  '"<m>',
  '<m>""',
  '<m>`',
  '`<m>`',
  '[<m>]',
  '<m>]--',
  '<m>\'"`',
  '<m>" --',
  '<m>";--',
  `name" FROM ${SECRET} --<m>`,
  `name", (SELECT word FROM ${SECRET}) AS "<m>`,
  `name\`, (SELECT word FROM ${SECRET}) AS \`<m>`,
  `<m>" UNION SELECT word FROM ${SECRET} --`,
  `<m>"; DROP TABLE ${CANARY}; --`,
  `<m>\`; DROP TABLE ${CANARY}; #`,
  `<m>"); DROP TABLE ${CANARY}; --`,
  `<m>" text); CREATE TABLE ${PWNED} (a text`,
  `<m>\` text); CREATE TABLE ${PWNED} (a text`,
  `${CANARY}"."name" <m>`,
  `"${CANARY}"."<m>"`,
  `${CANARY}, ${SECRET} <m>`,
  `${CANARY} JOIN ${SECRET} ON 1=1 --<m>`,
  `(SELECT * FROM ${SECRET}) <m>`,
  `(SELECT word FROM ${SECRET} LIMIT 1) <m>`,
  'name AS <m>',
  `*, ${SECRET}.* <m>`,
  'COUNT(*) FILTER <m>',
  'MAX(name) <m>',
  'name COLLATE "<m>"',
  `name DESC; DROP TABLE ${CANARY} --<m>`,
  `name DESC, (SELECT word FROM ${SECRET}) <m>`,
  'name) DESC --<m>',
  '1 <m>',
  '1,2,3 --<m>',
  `CASE WHEN (SELECT 1 FROM ${SECRET})=1 THEN id ELSE 1 END <m>`,
  'IF(1=1,id,name) <m>',
  'id HAVING 1=1 --<m>',
  'id GROUP BY 1 --<m>',
  'id LIMIT 1 INTO @x --<m>',
  'id FOR UPDATE <m>',
  'pg_catalog.<m>"."x',
  `.${SECRET} <m>`,
  '..<m>',
  'a.b.<m>"--',
  `%22 FROM ${SECRET} --<m>`,
  '<m>$$',
  '<m>\\',
  '<m>\\"',
  '<m>?',
  '<m>$1',
  ':<m>',
  '@<m>',
  '<m>;',
  '<m>#',
  '<m>/*',
  '*/<m>',
  '--<m>',
  '<m>\u201d',
  '<m>\uff02 --',
];

/** Quotes by another spelling, what eats a backslash, what ends a text too soon, what is filled in later. */
const ENCODING: readonly string[] = [
  '<m>%27 OR 1=1 -- ',
  '<m>%2527 OR 1=1 -- ',
  '<m>%bf%27 OR 1=1 -- ',
  '<m>%c0%a7 OR 1=1 -- ',
  '<m>%u0027 OR 1=1 -- ',
  '<m>&#39; OR 1=1 -- ',
  '<m>\\u0027 OR 1=1 -- ',
  '<m>\uff07 OR 1=1 -- ',
  '<m>\u02bc OR 1=1 -- ',
  '<m>\u2019 OR \u20181\u2019=\u20181',
  "<m>\u0000' OR 1=1 -- ",
  "<m>'\u0000 OR 1=1 -- ",
  "<m>\\' OR 1=1 -- ",
  "<m>\\\\' OR 1=1 -- ",
  "<m>\\\\\\' OR 1=1 -- ",
  "<m>'' OR 1=1 -- ",
  "<m>''' OR 1=1 -- ",
  "<m>\u001a' OR 1=1 -- ",
  "<m>\r\n' OR 1=1\r\n-- ",
  "<m>\t'\tOR\t1=1\t--\t",
  "<m>\u00a0'\u00a0OR\u00a01=1\u00a0--\u00a0",
  "<m>\u200b' OR 1=1 -- ",
  "<m>\u202e' OR 1=1 -- ",
  "<m>\ud83d\ude00' OR 1=1 -- ",
  "<m>\ud83d' OR 1=1 -- ",
  "E'<m>\\' OR 1=1 -- ",
  "U&'<m>\\0027 OR 1=1 -- ",
  "N'<m>' OR 1=1 -- ",
  "_latin1'<m>' OR 1=1 -- ",
  '$$<m>$$ OR 1=1 -- ',
  '$a$<m>$a$; SELECT $b$x$b$ -- ',
  "<m>/*/**/' OR 1=1 /*' */ -- ",
  "/*!50000 <m>' OR 1=1 */ -- ",
  "/*M!100000 <m>' OR 1=1 */ -- ",
  "<m>'/**_**/OR/**_**/1=1/**_**/--",
  "<m>'||CHR(39)||' OR 1=1 -- ",
  '0x27204f5220313d31 <m>',
  "x'27204f52' <m>",
  "<m>?' OR ?=? -- ",
  "<m>$1' OR $1=$1 -- ",
  "<m>:n' OR :n=:n -- ",
  "<m>%s' OR 1=%d -- ",
  "{user.email}<m>' OR 1=1 -- ",
  "<m>#{7*7}' OR 1=1 -- ",
  "<m>{{7*7}}' OR 1=1 -- ",
  '{"$gt":"","<m>":"\' OR 1=1"}',
];
const NO_UTF8: readonly string[] = [
  "<m>\xbf' OR 1=1 -- ",
  "<m>\xbf\\' OR 1=1 -- ",
  '<m>\xc0\xa7 OR 1=1 -- ',
  '<m>\xe0\x80\xa7 OR 1=1 -- ',
  "<m>\xff' OR 1=1 -- ",
  "<m>\xc3' OR 1=1 -- ",
];

/** At least 300 for each engine, no two alike. */
export function payloadsOf(engine: Engine): readonly Payload[] {
  const ways = [...WAYS, ...OWN_WAYS[engine]];
  const of = (kind: Kind, templates: readonly string[], charset: Payload['charset'] = 'utf8'): Payload[] =>
    templates.map((template) => ({ kind, template, charset }));
  return [
    ...of('generic', inWays(GENERIC, ways)),
    ...of('union', inWays(UNION[engine], WAYS)),
    ...of('time', inWays(TIME[engine], WAYS)),
    ...of('blind', inWays(BLIND[engine], WAYS)),
    ...of('stacked', inWays(STACKED[engine], STACKED_WAYS)),
    ...of('identifier', IDENTIFIERS),
    ...of('encoding', ENCODING),
    ...of('encoding', NO_UTF8, 'latin1'),
  ];
}

function inWays(attacks: readonly string[], ways: readonly Way[]): string[] {
  return attacks.flatMap((attack) => ways.map(([before, after]) => `${before}${attack}${after}`));
}
