/** How the answer of a request is to be shown: its format, its wrapper, the headers that go on it. */
import type { Headers } from '../http/reply.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { isTrue } from '../parse/query.ts';
import type { Presentation } from './answer.ts';
import { pickFormat } from './format.ts';

/**
 * Where scripts look at the answer first it is JSON, which is shown as was asked behind them.
 * @param single  the answer is one thing, which is never wrapped (system-api §1.8)
 */
export function presentationOf(request: ApiRequest, headers: Headers, single: boolean): Presentation {
  const shown = askedPresentation(request, headers, single);
  return request.asked ? { ...shown, format: 'json', disposition: undefined } : shown;
}

export function askedPresentation(request: ApiRequest, headers: Headers, single: boolean): Presentation {
  const { http, query, segments } = request;
  const accept = http.header('accept');
  const plain = http.query === '';
  const { format, disposition } = pickFormat(
    accept,
    plain ? undefined : query.get('accept'),
    plain ? undefined : query.get('file'),
    segments.join('/'),
  );
  const asked = (plain ? undefined : query.get('wrap')) ?? http.header('wrap');
  return { format, disposition, wrap: !single && (asked === undefined || isTrue(asked)), headers };
}
