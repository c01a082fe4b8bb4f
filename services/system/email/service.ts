/** Sends e-mails for whoever calls a service, and for the installation itself: both by the same way. */
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { EMAIL_TIMEOUT_MS } from '#common/bounds.ts';
import { invalid, MillraceError, notFound } from '#common/errors.ts';
import type { SystemConfig } from '../config.ts';
import type { Db } from '../database/open.ts';
import { callerLookups, type LookupCaller, systemLookups } from '../lookups/defined.ts';
import { resolveLookups } from '../lookups/resolve.ts';
import type { JsonObject } from '../records/model.ts';
import type { Secrets } from '../secrets.ts';
import { storedSettings } from '../services/rules.ts';
import { compose } from './compose.ts';
import { localTransport } from './local.ts';
import { smtpTransport } from './smtp.ts';
import type { Sent, Transport } from './transport.ts';
import { LOCAL_EMAIL, SMTP_EMAIL } from './types.ts';

/** Services whose connections are open at one moment. */
const TRANSPORTS_MAX = 50;
/** How long connections wait for the next e-mail: longer than the last one may take. */
const TRANSPORT_TTL_MS = 3 * EMAIL_TIMEOUT_MS;

export interface Wanted {
  readonly serviceId: number;
  /** By its name or its id; undefined: the request says it all. */
  readonly template: string | number | undefined;
  readonly request: JsonObject;
  readonly caller: LookupCaller;
  /** The values come from people who do not write the e-mail. */
  readonly plainValues: boolean;
}

export class Emails {
  readonly #db: Db;
  readonly #secrets: Secrets;
  readonly #config: SystemConfig;
  /** By the service and its settings: other settings are other connections. */
  readonly #transports = new LRUCache<string, Transport>({
    max: TRANSPORTS_MAX,
    ttl: TRANSPORT_TTL_MS,
    ttlAutopurge: true,
    updateAgeOnGet: true,
    dispose: (transport) => transport.close(),
  });

  constructor(db: Db, secrets: Secrets, config: SystemConfig) {
    this.#db = db;
    this.#secrets = secrets;
    this.#config = config;
  }

  /** @throws MillraceError */
  async send({ serviceId, template, request, caller, plainValues }: Wanted): Promise<Sent> {
    const service = await this.#service(serviceId);
    const message = compose({
      service: service.settings,
      template: template === undefined ? undefined : await this.#template(template),
      request,
      lookups: await callerLookups(this.#db, caller, this.#config),
      defaultFrom: this.#config.mailFrom,
      plainValues,
    });
    return this.#transport(serviceId, service).send(message);
  }

  close(): void {
    this.#transports.clear();
  }

  async #service(id: number): Promise<{ type: string; settings: JsonObject }> {
    const row = await this.#db.selectFrom('service').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) throw notFound('The e-mail service does not exist.');
    if (row.is_active !== 1) throw new MillraceError('denied', `Service ${row.name} is deactivated.`);
    const stored = storedSettings({ ...row }, { secrets: this.#secrets });
    const settings = resolveLookups(stored, await systemLookups(this.#db, this.#secrets)) as JsonObject;
    return { type: row.type, settings };
  }

  #transport(id: number, { type, settings }: { type: string; settings: JsonObject }): Transport {
    const key = `${id} ${type} ${JSON.stringify(settings)}`;
    const known = this.#transports.get(key);
    if (known) return known;
    const made = this.#open(type, settings);
    this.#transports.set(key, made);
    return made;
  }

  #open(type: string, settings: JsonObject): Transport {
    if (type === LOCAL_EMAIL) return localTransport(join(this.#config.dataDir, 'mail'));
    if (type === SMTP_EMAIL) return smtpTransport(settings);
    throw invalid('The service sends no e-mail.');
  }

  async #template(named: string | number): Promise<JsonObject> {
    const column = typeof named === 'number' ? 'id' : 'name';
    const isText = typeof named === 'number' || !named.includes('\0');
    const row = isText
      ? await this.#db.selectFrom('email_template').selectAll().where(column, '=', named).executeTakeFirst()
      : undefined;
    if (!row) throw notFound(`Email Template '${named}' not found.`);
    return { ...row, to: parsed(row.to), cc: parsed(row.cc), bcc: parsed(row.bcc) };
  }
}

const parsed = (json: string | null): unknown => (json === null ? null : JSON.parse(json));
