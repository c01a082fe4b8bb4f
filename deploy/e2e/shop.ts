/** A shop for the suites about access: a service of two tables, and whoever may do something with it. */
import { join } from 'node:path';
import { type Client, login, withKey, withToken } from './client.ts';
import { type Env, type Product, startProduct } from './product.ts';

const TABLES = [
  {
    name: 'customer',
    field: [
      { name: 'id', type: 'id' },
      { name: 'name', type: 'string' },
    ],
  },
  {
    name: 'sale',
    field: [
      { name: 'id', type: 'id' },
      { name: 'owner_id', type: 'integer', allow_null: true },
      { name: 'customer_id', type: 'reference', ref_table: 'customer', ref_field: 'id', allow_null: true },
      { name: 'note', type: 'string', allow_null: true },
      { name: 'amount', type: 'integer', allow_null: true },
    ],
  },
];

export interface Rule {
  /** The shop where none is named; null: every service. */
  readonly service_id?: number | null;
  readonly component: string;
  readonly verb_mask: number;
  readonly requestor_mask?: number;
  readonly filters?: readonly { readonly name: string; readonly operator: string; readonly value: string }[];
  readonly filter_op?: string;
}

export const PASSWORD = 'a password of some length';

export class Shop {
  readonly product: Product;
  readonly serviceId: number;
  #made = 0;

  constructor(product: Product, serviceId: number) {
    this.product = product;
    this.serviceId = serviceId;
  }

  /** @param database  a SQLite file where none is named */
  static async open(env: Env = {}, database?: { readonly type: string; readonly config: object }): Promise<Shop> {
    const product = await startProduct(env);
    const file = { type: 'sqlite', config: { database: join(product.folder, 'shop.sqlite') } };
    const service = { name: 'shop', label: 'Shop', is_active: true, ...(database ?? file) };
    const { id } = await product.admin.create('system/service', service);
    await product.admin.json('POST', 'shop/_schema', { resource: TABLES });
    return new Shop(product, id);
  }

  get admin(): Client {
    return this.product.admin;
  }

  #name(kind: string): string {
    return `${kind} ${++this.#made}`;
  }

  /** @returns its id */
  async role(...rules: readonly Rule[]): Promise<number> {
    const access = rules.map((rule) => ({ service_id: this.serviceId, requestor_mask: 1, ...rule }));
    const role = { name: this.#name('role'), is_active: true, role_service_access_by_role_id: access };
    return (await this.admin.create('system/role', role)).id;
  }

  /** An app, with the role for whoever has its key, or none. */
  async app(roleId?: number): Promise<{ id: number; api_key: string }> {
    const app = { name: this.#name('app'), is_active: true, ...(roleId !== undefined && { role_id: roleId }) };
    return this.admin.create('system/app?fields=*', app);
  }

  /** A user with a role in an app. */
  async user(appId: number, roleId: number): Promise<{ id: number; email: string; password: string }> {
    const email = `${this.#name('user').replace(' ', '')}@example.com`;
    const assigned = [{ app_id: appId, role_id: roleId }];
    const name = { name: 'User', first_name: 'U', last_name: 'Ser' };
    const record = { ...name, email, password: PASSWORD, is_active: true, user_to_app_to_role_by_user_id: assigned };
    return { id: (await this.admin.create('system/user', record)).id, email, password: PASSWORD };
  }

  /** Signed in, with the key of the app. */
  async client(apiKey: string, account: { email: string; password: string }): Promise<Client> {
    const token = await login(this.product.anyone, account, 'user/session');
    return this.product.anyone.as({ ...withKey(apiKey), ...withToken(token) });
  }

  close(): Promise<void> {
    return this.product.stop();
  }
}
