/** Sends every payload to every place of one service, and keeps what is worth judging. */
import type { Headers } from '../client.ts';
import type { Attack } from './calls.ts';
import type { SentOf } from './findings.ts';
import { markerOf } from './marker.ts';
import type { Payload } from './payloads.ts';
import type { Place } from './places.ts';
import { CONNECTIONS, inParallel, type Reply, type Wire } from './wire.ts';

/** An answer that should not be. */
export interface Complaint {
  readonly place: string;
  readonly payload: string;
  readonly reason: string;
  readonly answer: string;
}

export interface Outcome {
  readonly requests: number;
  readonly complaints: readonly Complaint[];
  /** By the name of a place: to how many payloads its first request was answered with a success. */
  readonly successes: ReadonlyMap<string, number>;
  readonly slowestMs: number;
  readonly sentOf: SentOf;
}

export interface Order {
  readonly places: readonly Place[];
  /** The number of the first place: markers of two campaigns must not be alike where they may meet. */
  readonly firstPlace: number;
  readonly payloads: readonly Payload[];
  readonly wire: Wire;
  readonly service: string;
  /** Whom some places need besides (see Place.calls). */
  readonly guest: Headers;
  /** What is wrong with an answer; undefined: nothing. */
  readonly faultOf: (reply: Reply) => string | undefined;
}

export async function carryOut({
  places,
  firstPlace,
  payloads,
  wire,
  service,
  guest,
  faultOf,
}: Order): Promise<Outcome> {
  const complaints: Complaint[] = [];
  const successes = new Map<string, number>();
  let requests = 0;
  let slowestMs = 0;

  const attackOf = (place: number, payload: number): Attack => {
    const { template, charset } = payloads[payload] as Payload;
    return { text: template.replaceAll('<m>', markerOf({ place, payload })), charset };
  };
  const send = async (place: Place, attack: Attack): Promise<void> => {
    for (const [index, call] of place.calls(attack, guest).entries()) {
      const path = call.path.startsWith('/') ? call.path.slice(1) : `${service}/${call.path}`;
      const reply = await wire.send({ ...call, path });
      requests += 1;
      slowestMs = Math.max(slowestMs, reply.ms);
      if (index === 0 && reply.status < 300) successes.set(place.name, (successes.get(place.name) ?? 0) + 1);
      const reason = faultOf(reply);
      if (reason === undefined) continue;
      const answer = `${reply.status} ${reply.text.slice(0, 300)}`;
      complaints.push({ place: `${place.name}, request ${index + 1}`, payload: attack.text, reason, answer });
    }
  };

  const jobs = payloads.flatMap((_, payload) =>
    places.map((place, index) => ({ place, attack: attackOf(firstPlace + index, payload) })),
  );
  const work = ({ place, attack }: (typeof jobs)[number]): Promise<void> => send(place, attack);
  const of = (one: Place): typeof jobs => jobs.filter(({ place }) => place === one);
  await inParallel(
    jobs.filter(({ place }) => place.makers === undefined),
    CONNECTIONS,
    work,
  );
  await Promise.all(places.map((one) => one.makers !== undefined && inParallel(of(one), one.makers, work)));

  const sentOf: SentOf = ({ place, payload }) => {
    const found = places[place - firstPlace];
    if (!found || !payloads[payload]) return undefined;
    return { text: attackOf(place, payload).text, isName: found.isName ?? false };
  };
  return { requests, complaints, successes, slowestMs, sentOf };
}
