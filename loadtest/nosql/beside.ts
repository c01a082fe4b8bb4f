/** Calls of a SQL service, on an installation that has the tier of documents as well, and a service of it. */
import { startMongo } from '../../deploy/testing/mongodb.ts';
import { GET_BY_ID } from '../cases.ts';
import type { Contest, ContestCase, ContestOptions } from '../contest.ts';
import { openPostgres } from '../databases.ts';
import { createTables } from '../dataset.ts';
import type { RunScope } from '../process.ts';
import { serviceOf, startMillrace } from '../sides/millrace.ts';
import { below, takeTurns, turnFigures } from '../turns.ts';

const NAME = 'beside';

export const BESIDE: ContestCase = {
  name: NAME,
  needs: 'postgres',
  figures: turnFigures(NAME, 'GET by id of PostgreSQL, with this tier', 'without it'),
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, admin, title } = await openPostgres(scope);
  await createTables(admin);
  const mongo = await startMongo();
  scope.teardown.add(() => mongo.stop());
  const postgres = serviceOf('bench', 'pgsql', server);
  const documents = { name: 'documents', type: 'mongodb', config: { dsn: mongo.url, database: mongo.newDatabase() } };
  const settings = { dist: options.dist, firstPath: GET_BY_ID.millracePath.replace('{}', '1') };
  const without = await startMillrace(await below(scope, 'without'), {
    ...{ ...settings, services: [postgres], profileFolder: undefined },
  });
  const withTier = await startMillrace(await below(scope, 'with'), {
    ...{ ...settings, nosql: true, services: [postgres, documents] },
    profileFolder: options.profile ? scope.folder : undefined,
  });
  return takeTurns(scope, options, {
    ...{ name: NAME, load: GET_BY_ID, server: title },
    without: { millrace: without, label: 'SQL alone' },
    other: { millrace: withTier, label: 'with the tier of documents' },
  });
}
