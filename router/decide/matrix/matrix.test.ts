/** The role matrix: what the router decides for made-up roles, callers and requests is what system-api §4 says. */
import { expect, test } from 'vitest';
import type { IssuerVerifier } from '../../authenticate/issuers.ts';
import { stateOf, update } from '../../testing/access.ts';
import { BehindDoor } from '../../testing/behind-door.ts';
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
  const statuses = new Map<number, number>();
  let count = 0;
  let filtered = 0;
  let remembered = 0;
  while (count < DECISIONS) {
    const world = installation(random);
    update(state, updateOf(world));
    for (let i = 0; i < REQUESTS_OF_ONE && count < DECISIONS; i++) {
      const asked = request(random);
      for (let j = 0; j < CALLERS_OF_ONE && count < DECISIONS; j++) {
        const sender = caller(random, world);
        const outcome = await door.send({ ...asked, headers: { ...asked.headers, ...sender.headers } });
        count++;
        statuses.set(outcome.status, (statuses.get(outcome.status) ?? 0) + 1);
        if (outcome.remembered) remembered++;
        if (outcome.travelled.some(({ shape }) => 'rowFilter' in (shape.action.value ?? {}))) filtered++;
        const faults = faultsOf(asked, sender.caller, world, outcome);
        if (faults.length === 0) continue;
        differences.push({ decision: count, faults, asked, sender, roles: world.roles, body: outcome.body });
      }
    }
  }
  const shown = JSON.stringify(differences.slice(0, SHOWN_MAX), null, 2);
  expect(differences.length, `MILLRACE_MATRIX_SEED=${SEED}: ${shown}`).toBe(0);
  // A matrix that refuses everything, or filters nothing, would prove nothing.
  const share = (number: number): number => number / count;
  expect(share(statuses.get(200) ?? 0)).toBeGreaterThan(0.15);
  expect(share((statuses.get(401) ?? 0) + (statuses.get(403) ?? 0))).toBeGreaterThan(0.15);
  expect(share(filtered)).toBeGreaterThan(0.01);
  expect(share(remembered)).toBeGreaterThan(0.01);
  console.info(`role matrix: ${count} decisions, ${differences.length} differences, seed ${SEED}`);
});
