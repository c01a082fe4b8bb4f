/** The product as its users start it: all in one, or its tiers apart. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, login, withToken } from './client.ts';
import { type Exit, type Program, type Running, startProgram, until } from './process.ts';

/** Also the one of the recorded exchanges, some of which hold the password in a header. */
export const ADMIN = { email: 'admin@example.com', password: 'Secret-Passw0rd-16' };

const READY_MS = 30_000;
const NO_SAMPLE = { MILLRACE_SEED_SAMPLE: 'false' };
/** Suites run side by side. */
export const ANY_PORTS = { MILLRACE_HTTP_PORT: '0', MILLRACE_GRPC_PORT: '0' };
export const FIRST_ADMIN = { MILLRACE_ADMIN_EMAIL: ADMIN.email, MILLRACE_ADMIN_PASSWORD: ADMIN.password };

export type Env = Readonly<Record<string, string>>;

export interface Product {
  readonly origin: string;
  /** Addresses of the gRPC doors, one for each router. */
  readonly gateways: readonly string[];
  readonly folder: string;
  readonly running: Running;
  /** Nobody yet. */
  readonly anyone: Client;
  /** Signed in as the first administrator. */
  readonly admin: Client;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
}

/** `npm start` in an empty folder, on a free port, without the sample unless `env` says otherwise. */
export async function startProduct(env: Env = {}): Promise<Product> {
  const folder = temporaryFolder();
  const given = { MILLRACE_DATA_DIR: folder, ...ANY_PORTS, ...NO_SAMPLE, ...FIRST_ADMIN, ...env };
  const running = startProgram('all-in-one', given);
  const stop = async (): Promise<void> => {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const origin = await readyOrigin(running);
    const gateways = gatewaysOf(running);
    await untilReady(origin);
    const anyone = new Client(origin);
    const admin = await signIn(anyone);
    await untilServing(admin);
    return { origin, gateways, folder, running, anyone, admin, stop };
  } catch (error) {
    await stop();
    throw new Error(`The product did not start: ${running.output()}`, { cause: error });
  }
}

/** What it prints when it is ready. @throws Error when it ends instead */
export async function readyOrigin(running: Running): Promise<string> {
  let exit: Exit | undefined;
  void running.exited.then((result) => {
    exit = result;
  });
  const found = await until(
    'the line that says it is ready',
    async () => exit ?? /ready at (http:\S+)/.exec(running.output())?.[1],
    READY_MS,
  );
  if (typeof found === 'string') return found;
  throw new Error(`It ended instead (${found.signal ?? found.code}).`);
}

/** What it prints with the line that says it is ready. */
export const gatewaysOf = (running: Running): string[] =>
  /^The same over gRPC: (.*)$/m.exec(running.output())?.[1]?.split(', ') ?? [];

export function untilReady(origin: string): Promise<true> {
  return until(
    '/status answers 200',
    async () => (await new Client(origin).send('GET', '/status')).status === 200 || undefined,
    READY_MS,
  );
}

export async function signIn(anyone: Client): Promise<Client> {
  return anyone.as(withToken(await login(anyone, ADMIN)));
}

/** A router may be ready a moment before the connector has announced what it serves, and before it is itself live. */
export function untilServing(admin: Client): Promise<true> {
  return until('the SQL tier serves', async () => {
    const { access } = await admin.json<{ access: { live: boolean } }>('GET', '/status');
    const { status } = await admin.send('GET', 'system/service_type/pgsql');
    return (access.live && status === 200) || undefined;
  });
}

/** The tiers, each a process of its own, over Unix sockets in a temporary folder. */
export class Tiers {
  readonly folder = temporaryFolder();
  readonly token = randomBytes(16).toString('hex');
  readonly systemAddress = `unix:${join(this.folder, 'system.sock')}`;
  readonly sqlAddress = `unix:${join(this.folder, 'sql.sock')}`;
  readonly nosqlAddress = `unix:${join(this.folder, 'nosql.sock')}`;
  readonly storageAddress = `unix:${join(this.folder, 'storage.sock')}`;
  /** Of the first router, for what scripts call. */
  readonly gatewayAddress = `unix:${join(this.folder, 'gateway.sock')}`;
  readonly #running = new Map<Program, Running>();
  /** Routers and scripting tiers beside the first. */
  readonly #more: Running[] = [];
  readonly #env: Env;
  #ports: Ports = { port: 0, grpcPort: 0 };

  constructor(env: Env = {}) {
    this.#env = env;
  }

  async start(...programs: Program[]): Promise<void> {
    await Promise.all(programs.map((program) => this.#start(program)));
  }

  async #start(program: Program): Promise<void> {
    const { port, grpcPort } = this.#ports;
    const ports = { MILLRACE_HTTP_PORT: String(port), MILLRACE_GRPC_PORT: String(grpcPort) };
    const running = startProgram(program, this.#envOf(ports));
    this.#running.set(program, running);
    if (program === 'router') this.#ports = await portsOf(running);
  }

  /**
   * One more router, with a port and a data folder of its own.
   * @returns nobody yet, in front of it
   */
  async addRouter(env: Env = {}): Promise<Client> {
    const n = this.#more.length;
    const own = {
      MILLRACE_DATA_DIR: join(this.folder, `router-${n}`),
      MILLRACE_GATEWAY_ADDRESS: `unix:${join(this.folder, `gateway-${n}.sock`)}`,
      ...ANY_PORTS,
    };
    const running = startProgram('router', this.#envOf({ ...own, ...env }));
    this.#more.push(running);
    return new Client(originOf((await portsOf(running)).port));
  }

  /** One more scripting tier, over NATS. */
  addScripting(): Running {
    const running = startProgram('scripting', this.#envOf({}));
    this.#more.push(running);
    return running;
  }

  #envOf(env: Env): Env {
    return {
      MILLRACE_DATA_DIR: this.folder,
      MILLRACE_SYSTEM_ADDRESS: this.systemAddress,
      MILLRACE_SQL_ADDRESS: this.sqlAddress,
      MILLRACE_SQL_ADDRESSES: this.sqlAddress,
      MILLRACE_NOSQL_ADDRESS: this.nosqlAddress,
      MILLRACE_NOSQL_ADDRESSES: this.nosqlAddress,
      MILLRACE_STORAGE_ADDRESS: this.storageAddress,
      MILLRACE_STORAGE_ADDRESSES: this.storageAddress,
      MILLRACE_GATEWAY_ADDRESS: this.gatewayAddress,
      MILLRACE_GATEWAY_ADDRESSES: this.gatewayAddress,
      // Where NATS is given, it is taken instead.
      MILLRACE_SCRIPT_QUICK_ADDRESSES: `unix:${join(this.folder, 'quick.sock')}`,
      MILLRACE_SCRIPT_PATIENT_ADDRESSES: `unix:${join(this.folder, 'patient.sock')}`,
      MILLRACE_SCRIPT_STANDBY_ADDRESS: `unix:${join(this.folder, 'standby.sock')}`,
      MILLRACE_CLUSTER_TOKEN: this.token,
      ...FIRST_ADMIN,
      ...this.#env,
      ...env,
    };
  }

  get origin(): string {
    return originOf(this.#ports.port);
  }

  /** Of the first router. */
  get gateways(): string[] {
    return [`127.0.0.1:${this.#ports.grpcPort}`];
  }

  get anyone(): Client {
    return new Client(this.origin);
  }

  of(program: Program): Running {
    const running = this.#running.get(program);
    if (!running) throw new Error(`${program} was not started.`);
    return running;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#more.map((one) => one.stop()));
    for (const program of ['router', 'scripting', 'storage', 'nosql', 'sql', 'system'] as const)
      await this.#running.get(program)?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const originOf = (port: number): string => `http://127.0.0.1:${port}`;

interface Ports {
  readonly port: number;
  readonly grpcPort: number;
}

/** A router tells whoever started it where it listens; then it is waited for until it is ready. */
async function portsOf(running: Running): Promise<Ports> {
  let told: Ports | undefined;
  running.child.once('message', (ports: Ports) => {
    told = ports;
  });
  const ports = await until('the router listens', async () => told, READY_MS);
  await untilReady(originOf(ports.port));
  return ports;
}
