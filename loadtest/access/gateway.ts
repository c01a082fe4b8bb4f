/**
 * The gRPC door beside the HTTP door of the same router: records by their ids, from PostgreSQL. Each figure has as many
 * calls in flight at both doors: over one stream that costs nothing, so there are more of them.
 */
import { fileURLToPath } from 'node:url';
import { GET_BY_ID } from '../cases.ts';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import { openPostgres } from '../databases.ts';
import { createTables } from '../dataset.ts';
import { type RunScope, runTool } from '../process.ts';
import { loadTarget } from '../sides/http.ts';
import { serviceOf, startMillrace } from '../sides/millrace.ts';

const CALLER = fileURLToPath(new URL('./gateway-caller.ts', import.meta.url));
const GRACE_MS = 30_000;
/** For each connection of the other figure. */
const BATCHED_IN_FLIGHT = 4;

export const GATEWAY: ContestCase = {
  name: 'gateway',
  needs: 'postgres',
  figures: [
    {
      name: 'gateway',
      title: 'gateway: GET by id, batched client (A: REST)',
      unit: 'requests/s',
      targets: [{ measure: 'C/A', atLeast: 1.3 }],
    },
    {
      name: 'gateway-unary',
      title: 'gateway: GET by id, a call each (A: REST)',
      unit: 'requests/s',
      targets: [{ measure: 'C/A', atLeast: 0.3 }],
    },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, admin, title } = await openPostgres(scope);
  await createTables(admin);
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    services: [serviceOf('bench', 'pgsql', server)],
    firstPath: GET_BY_ID.millracePath.replace('{}', '1'),
  });
  const { connections } = options;
  const batchedInFlight = BATCHED_IN_FLIGHT * connections;
  const rest = async (seconds: number, inFlight: number): Promise<number> =>
    (await loadTarget(scope, millrace, GET_BY_ID, seconds, inFlight)).requestsPerSecond;
  const by = async (way: 'batched' | 'unary', seconds: number, inFlight: number): Promise<number> => {
    const load = [way, millrace.gateway, GET_BY_ID.millracePath, GET_BY_ID.randomMax, inFlight, seconds].map(String);
    const args = ['--import', 'tsx', CALLER, ...load, JSON.stringify(millrace.headers)];
    return Number(await runTool(scope, process.execPath, args, seconds * 1000 + GRACE_MS));
  };
  return {
    server: title,
    millrace,
    warmUps: 1,
    sides: [
      {
        key: 'A',
        label: 'REST',
        measure: async (seconds): Promise<Sample> => ({
          gateway: await rest(seconds, batchedInFlight),
          'gateway-unary': await rest(seconds, connections),
        }),
      },
      {
        key: 'C',
        label: 'gateway',
        measure: async (seconds): Promise<Sample> => ({
          gateway: await by('batched', seconds, batchedInFlight),
          'gateway-unary': await by('unary', seconds, connections),
        }),
      },
    ],
  };
}
