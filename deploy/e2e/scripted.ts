/** A shop with scripts: they are bound, counted from the moment they are known, and taken away. */
import type { Answer, Client } from './client.ts';
import { until } from './process.ts';
import type { Env, Product } from './product.ts';
import { Shop } from './shop.ts';

export interface Script {
  readonly type?: string;
  readonly allow_event_modification?: boolean;
  readonly is_active?: boolean;
  readonly config?: string;
  readonly storage_service_id?: number;
  readonly storage_path?: string;
}

/** A service whose answers tell whether the router knows what was stored before. */
const MARK = 'mark';
const MARK_SCRIPT = `${MARK}.get.pre_process`;
const MARKED = 299;

export class ScriptedShop {
  readonly shop: Shop;
  readonly #bound = new Set<string>();
  #isMarked = false;

  private constructor(shop: Shop) {
    this.shop = shop;
  }

  static async open(env: Env = {}): Promise<ScriptedShop> {
    const shop = await Shop.open(env);
    const scripted = new ScriptedShop(shop);
    await scripted.service(MARK, 'return 1');
    const content = `event.response = { status_code: ${MARKED}, content: 1 }`;
    await scripted.#store(MARK_SCRIPT, content, { is_active: false });
    await scripted.known();
    return scripted;
  }

  get product(): Product {
    return this.shop.product;
  }

  get admin(): Client {
    return this.shop.admin;
  }

  /** Binds a script, and waits until it counts. It may change the event unless the options say otherwise. */
  async bind(name: string, content: string, script: Script = {}): Promise<void> {
    await this.bindAll({ [name]: content }, script);
  }

  async bindAll(scripts: Readonly<Record<string, string>>, script: Script = {}): Promise<void> {
    for (const [name, content] of Object.entries(scripts)) {
      this.#bound.add(name);
      await this.#store(name, content, script);
    }
    await this.known();
  }

  /** Takes away all that was bound. */
  async clear(): Promise<void> {
    if (this.#bound.size === 0) return;
    for (const name of this.#bound) await this.admin.json('DELETE', `system/event_script/${name}`);
    this.#bound.clear();
    await this.known();
  }

  /** A service that a script answers. @returns its id */
  async service(name: string, content: string, { type = 'nodejs', ...config }: Script & object = {}): Promise<number> {
    const record = { name, label: name, type, is_active: true, config: { content, ...config } };
    return (await this.admin.create('system/service', record)).id;
  }

  /** Waits until the router knows what has been stored: it hears of changes in their order. */
  async known(): Promise<void> {
    this.#isMarked = !this.#isMarked;
    await this.admin.json('PATCH', `system/event_script/${MARK_SCRIPT}`, { is_active: this.#isMarked });
    const expected = this.#isMarked ? MARKED : 200;
    await until('the router knows', async () => (await this.admin.send('GET', MARK)).status === expected);
  }

  close(): Promise<void> {
    return this.shop.close();
  }

  async #store(name: string, content: string, script: Script): Promise<void> {
    const record = { type: 'nodejs', is_active: true, allow_event_modification: true, content, ...script };
    await this.admin.json('POST', `system/event_script/${name}`, record);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
export type Json = any;

export const jsonOf = ({ text }: Answer): Json => JSON.parse(text);
/** Status and message of an error. */
export const errorOf = ({ status, text }: Answer): [number, string] => [status, JSON.parse(text).error?.message];
