/** A product that hosts applications, with a table of tasks for them, and what their developers do with it. */
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { expect } from 'vitest';
import type { Client } from './client.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';

export const PUBLIC_URL = 'https://apps.example.com';
const GET = 1;
const POST = 2;

export interface App {
  readonly id: number;
  readonly api_key: string;
  readonly launch_url: string;
  readonly [field: string]: unknown;
}

export class Host {
  readonly product: Product;
  /** The service that every installation begins with. */
  readonly files: number;

  constructor(product: Product, files: number) {
    this.product = product;
    this.files = files;
  }

  static async start(): Promise<Host> {
    const product = await startProduct({ MILLRACE_PUBLIC_URL: PUBLIC_URL });
    const { admin } = product;
    const found = await admin.json<{ resource: [{ id: number }] }>('GET', 'system/service?filter=name=files');
    await until('the service is known', async () => (await admin.send('GET', 'files/')).status === 200 || undefined);
    await admin.create('system/service', {
      ...{ name: 'work', label: 'Work', type: 'sqlite', is_active: true },
      config: { database: join(product.folder, 'work.sqlite') },
    });
    await until('it is served', async () => (await admin.send('GET', 'work/_schema')).status === 200 || undefined);
    const field = [
      { name: 'id', type: 'id' },
      ...['title', 'place'].map((name) => ({ name, type: 'string' })),
      { name: 'done', type: 'boolean', default: false },
    ];
    await admin.json('POST', 'work/_schema', { resource: [{ name: 'task', field }] });
    await admin.json('POST', 'work/_table/task', {
      resource: [
        { title: 'Check the pump', place: 'Mill 3', done: true },
        { title: 'Grease the bearings', place: 'Mill 1', done: false },
        { title: 'Clean the trash rack', place: 'Weir', done: false },
      ],
    });
    return new Host(product, found.resource[0].id);
  }

  get admin(): Client {
    return this.product.admin;
  }

  stop(): Promise<void> {
    return this.product.stop();
  }

  publish(settings: object): Promise<unknown> {
    return this.admin.json('PATCH', `system/service/${this.files}`, { config: settings });
  }

  /** As anybody. @param path  from the root */
  open(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
    return fetch(`${this.product.origin}${path}`, { method, headers, redirect: 'manual' });
  }

  served(path: string): Promise<true> {
    return until(`${path} is public`, async () => (await this.open(path)).status === 200 || undefined);
  }

  async appOf(record: object): Promise<App> {
    const { resource } = await this.admin.json<{ resource: [App] }>('POST', 'system/app?fields=*', {
      resource: [record],
    });
    return resource[0];
  }

  /** As the administrator. */
  send(method: string, path: string, body: Uint8Array | FormData, headers: Record<string, string> = {}) {
    const sent = { ...this.admin.headers, ...headers };
    return fetch(`${this.product.origin}/api/v2/${path}`, { method, body, headers: sent });
  }

  /** By the one upload that the application is. */
  async deploy(folder: string, contents: Record<string, Uint8Array>): Promise<void> {
    const headers = { 'Content-Type': 'application/zip', 'X-File-Name': 'application.zip' };
    const answer = await this.send('POST', `files/${folder}/?extract=true&clean=true`, zipSync(contents), headers);
    expect([answer.status, await answer.json()]).toMatchObject([201, { path: `${folder}/` }]);
  }

  /** With a key that may read and add tasks. */
  async taskApp(container: string): Promise<App> {
    const found = await this.admin.json<{ resource: [{ id: number }] }>('GET', 'system/service?filter=name=work');
    const [{ id: service_id }] = found.resource;
    const rule = { service_id, component: '_table/task/*', verb_mask: GET | POST, requestor_mask: 1 };
    const role = { name: `workers of ${container}`, is_active: true, role_service_access_by_role_id: [rule] };
    const { id: role_id } = await this.admin.create('system/role', role);
    return this.appOf({
      ...{ name: `Tasks in ${container}`, description: 'What is to be done', is_active: true, type: 1, role_id },
      ...{ storage_service_id: this.files, storage_container: container, path: 'index.html' },
    });
  }
}
