/** E-mail services: what is sent goes to the system service, which knows templates and mail servers (system-api §10.1). */
import { create } from '@bufbuild/protobuf';
import { EMAIL_TIMEOUT_MS } from '#common/bounds.ts';
import { invalid, notFound } from '#common/errors.ts';
import type { Channel } from '#common/grpc/channel.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Result } from '#proto/data/v1/data_pb.ts';
import { type Emails, SendEmailRequestSchema } from '#proto/system/v1/system_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { withoutResource } from '../parse/resource.ts';
import { jsonWithout, objectOf } from './body.ts';
import { resultOf, resultOfReply } from './replies.ts';

const GROUP = 'Email';
const TIMEOUT_MS = EMAIL_TIMEOUT_MS + 5000;
const ID_MAX = 2 ** 31 - 1;

export class EmailCalls {
  readonly #channel: Channel<typeof Emails>;
  readonly #state: AccessState;

  constructor(channel: Channel<typeof Emails>, state: AccessState) {
    this.#channel = channel;
    this.#state = state;
  }

  serves({ type }: Service): boolean {
    return this.#state.serviceTypes.get(type)?.group === GROUP;
  }

  /** @throws MillraceError */
  async call(request: ApiRequest, service: Service, principal: Principal): Promise<Result> {
    const { component, verb } = request;
    if (component !== '') throw notFound(`Resource '${request.segments[0]}' not found for service '${service.name}'.`);
    // Those who write roles ask what there is to allow.
    if (verb === 'GET' && request.query.flag('as_access_list')) return resultOf(Buffer.from('{"resource":["","*"]}'));
    if (verb !== 'POST') throw withoutResource(verb, service.name);
    const sent = objectOf(request);
    const call = create(SendEmailRequestSchema, {
      serviceId: service.id,
      ...templateOf(request, sent),
      messageJson: jsonWithout(sent, 'template', 'template_id'),
      userId: principal.user?.id ?? 0,
      roleId: principal.role?.source.id ?? 0,
      appId: principal.app?.id ?? 0,
    });
    return resultOfReply(await this.#channel.call('send', call, TIMEOUT_MS));
  }
}

/** By its name or by its id, as an option or in the body. @throws MillraceError invalid, not_found */
function templateOf({ query }: ApiRequest, sent: Readonly<Record<string, unknown>>) {
  const template = query.get('template') ?? sent['template'] ?? '';
  if (typeof template !== 'string') throw invalid("'template' must be the name of a template.", { field: 'template' });
  const id = query.get('template_id') ?? sent['template_id'] ?? '';
  if (id === '' || template !== '') return { template };
  const templateId = Number(id);
  if (!Number.isInteger(templateId) || templateId < 1 || templateId > ID_MAX) {
    throw notFound(`Email Template '${id}' not found.`);
  }
  return { templateId };
}
