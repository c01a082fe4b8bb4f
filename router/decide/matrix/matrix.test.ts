/** The role matrix: what the router decides for made-up roles, callers and requests is what system-api §4 says. */
import { expect, test } from 'vitest';
import type { IssuerVerifier } from '../../authenticate/issuers.ts';
import { stateOf, update } from '../../testing/access.ts';
import { BehindDoor, type Outcome } from '../../testing/behind-door.ts';
import { answer } from './connector.ts';
import { faultsOf } from './judge.ts';
import { Random } from './random.ts';
import { request } from './requests.ts';
import { caller, installation, MACHINE_ROLE, MACHINE_TOKEN, updateOf } from './world.ts';

const DECISIONS = process.env['CI'] === 'true' ? 100_000 : 10_000;
/** Another one each time; the one of a failure is given here to see it again. */
const SEED = Number(process.env['MILLRACE_MATRIX_SEED'] ?? Date.now() % 1_000_000_000);
const REQUESTS_OF_ONE = 40;
/** Of one request, in a row: what is remembered of it must not leak from one caller to the next. */
const CALLERS_OF_ONE = 5;
const SHOWN_MAX = 5;

test(`${DECISIONS} decisions are those of the model (seed ${SEED})`, { timeout: 600_000 }, async () => {
  const random = new Random(SEED);
  const state = stateOf();
  const issuers = {
    knows: (token: string) => token === MACHINE_TOKEN,
    roleOf: () => state.roles.get(MACHINE_ROLE),
  } as unknown as IssuerVerifier;
  const door = new BehindDoor(state, { connector: answer, issuers });
  const differences: unknown[] = [];
  const seen = { allowed: 0, refused: 0, filtered: 0, ruled: 0, remembered: 0, imported: 0 };
  let count = 0;
  while (count < DECISIONS) {
    const world = installation(random);
    update(state, updateOf(world));
    for (let i = 0; i < REQUESTS_OF_ONE && count < DECISIONS; i++) {
      const asked = request(random);
      for (let j = 0; j < CALLERS_OF_ONE && count < DECISIONS; j++) {
        const sender = caller(random, world);
        const outcome = await door.send({ ...asked, headers: { ...asked.headers, ...sender.headers } });
        count++;
        note(seen, outcome);
        const faults = faultsOf(asked, sender.caller, world, outcome);
        if (faults.length === 0) continue;
        differences.push({ decision: count, faults, asked, sender, roles: world.roles, body: outcome.body });
      }
    }
  }
  const shown = JSON.stringify(differences.slice(0, SHOWN_MAX), null, 2);
  expect(differences.length, `MILLRACE_MATRIX_SEED=${SEED}: ${shown}`).toBe(0);
  // A matrix that refuses everything, or filters nothing, would prove nothing.
  for (const [what, number] of Object.entries(seen)) expect(number / count, what).toBeGreaterThan(0.003);
  console.info(`role matrix: ${count} decisions, ${differences.length} differences, seed ${SEED}`, seen);
});

function note(seen: Record<string, number>, { status, travelled, remembered }: Outcome): void {
  const add = (what: string, isSo: boolean): void => {
    if (isSo) seen[what] = (seen[what] ?? 0) + 1;
  };
  add('allowed', status < 300);
  add('refused', status === 401 || status === 403);
  add(
    'filtered',
    travelled.some(({ shape: { action } }) => action.case === 'read' && action.value.rowFilter !== undefined),
  );
  add(
    'ruled',
    travelled.some(({ shape }) => shape.rules.length > 0),
  );
  add('remembered', remembered !== undefined);
  add(
    'imported',
    travelled.some(({ imported }) => imported !== undefined),
  );
}
