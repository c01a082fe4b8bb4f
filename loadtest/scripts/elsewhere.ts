/** Calls without a script, on an installation whose other events have a thousand of them. */
import type { Contest, ContestCase, ContestOptions } from '../contest.ts';
import { openPostgres } from '../databases.ts';
import { createTables, READ_TABLE } from '../dataset.ts';
import { type RunScope, waitUntilReady } from '../process.ts';
import { type MillraceTarget, serviceOf, startMillrace } from '../sides/millrace.ts';
import { below, takeTurns, turnFigures } from '../turns.ts';
import { bindAll } from './bind.ts';
import { eventOf, PLAIN, pathOf, STAMPS } from './readings.ts';

const NAME = 'elsewhere';
const SCRIPTS = 1000;
const READY_MS = 20_000;

export const ELSEWHERE: ContestCase = {
  name: NAME,
  needs: 'postgres',
  figures: turnFigures(NAME, `GET by id, ${SCRIPTS.toLocaleString('en-US')} scripts elsewhere`, 'without scripts'),
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, admin, title } = await openPostgres(scope);
  await createTables(admin);
  const settings = {
    dist: options.dist,
    scripts: true,
    services: [serviceOf('bench', 'pgsql', server)],
    firstPath: pathOf(PLAIN, 1),
  };
  const without = await startMillrace(await below(scope, 'without'), { ...settings, profileFolder: undefined });
  const profileFolder = options.profile ? scope.folder : undefined;
  const scripted = await startMillrace(await below(scope, 'scripted'), { ...settings, profileFolder });
  await bindAll(scripted.administer, others());
  await untilKnown(scope, scripted);
  return takeTurns(scope, options, {
    ...{ name: NAME, load: PLAIN, server: title },
    without: { millrace: without, label: 'no scripts' },
    other: { millrace: scripted, label: `${SCRIPTS} scripts elsewhere` },
  });
}

/** Of the same service: other tables, and other verbs of the same records. */
function others(): { event: string; content: string }[] {
  const ofTable = ['patch', 'put', 'delete'].map((verb) => `bench._table.${READ_TABLE}.{id}.${verb}.pre_process`);
  const rest = Array.from({ length: SCRIPTS - ofTable.length }, (_, index) =>
    eventOf(`other${index >> 1}`, index % 2 === 0 ? 'pre_process' : 'post_process'),
  );
  return [...ofTable, ...rest].map((event) => ({ event, content: STAMPS }));
}

/** The last of them refuses what nobody else would. */
async function untilKnown(scope: RunScope, { administer, servers }: MillraceTarget): Promise<void> {
  await bindAll(administer, [{ event: 'system.environment.get.pre_process', content: "throw new Error('Known.')" }]);
  const isKnown = () =>
    administer('GET', '/api/v2/system/environment').then(
      () => false,
      () => true,
    );
  await waitUntilReady(servers, 'the scripts', isKnown, READY_MS, scope.signal);
}
