/** Imports that scripts want to see before they are written: held until they are whole, and let go as an import. */
import { OPERATION_BYTES_MAX } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { asBuffer, parseJson } from '#common/json.ts';
import { BodyBudget } from '../http/body.ts';
import type { Request } from '../http/request.ts';
import { Upload } from '../http/upload.ts';
import { ApiRequest } from '../parse/api-request.ts';
import { recordPieces } from '../parse/import/body-stream.ts';

export interface HeldImport {
  /** The same call with its records as a body of JSON, `{"resource":[…]}`, whatever they came as. */
  readonly request: ApiRequest;
  /** Nobody needs the body any longer. */
  release(): void;
}

export class HeldImports {
  readonly #bytesMax: number;
  readonly #budget: BodyBudget;

  /**
   * @param bytesMax  of the records of one
   * @param allBytesMax  of all that are held at one moment
   */
  constructor(bytesMax: number, allBytesMax: number) {
    this.#bytesMax = Math.min(bytesMax, OPERATION_BYTES_MAX);
    this.#budget = new BodyBudget(allBytesMax);
  }

  /** @throws MillraceError invalid for records that are none, or more than are held; overloaded; cancelled */
  async hold({ http, service, segments, verb, component }: ApiRequest, upload: Upload): Promise<HeldImport> {
    const records: string[] = [];
    let bytes = 0;
    const release = (): void => this.#budget.give(bytes);
    try {
      for await (const piece of recordPieces(http, upload)) {
        if (bytes + piece.records.length > this.#bytesMax) throw tooLarge(this.#bytesMax);
        if (!this.#budget.take(piece.records.length)) throw full();
        bytes += piece.records.length;
        for (const [index, record] of linesOf(piece.records).entries()) records.push(whole(record, piece.lines[index]));
      }
    } catch (error) {
      release();
      throw error;
    }
    const body = Buffer.from(`{"resource":[${records.join(',')}]}`);
    // What comes behind has its own time, however long this took to arrive.
    const held = { ...withBody(http, body, undefined), receivedAt: Date.now() };
    return { request: new ApiRequest(held, service, segments, { verb, component }), release };
  }
}

/** The records as an import again; another verb, which a script has given, knows none. */
export function asImport(request: ApiRequest): ApiRequest {
  const { http, service, segments, verb, component, asked } = request;
  if (verb !== 'POST') return request;
  const upload = new Upload({ pause: () => {}, resume: () => {} });
  upload.add(http.body);
  upload.end();
  return new ApiRequest(withBody(http, new Uint8Array(), upload), service, segments, { verb, component, asked });
}

/** @param http  its body is JSON where there is none here */
function withBody(http: Request, body: Uint8Array, upload: Upload | undefined): Request {
  const type = upload ? (http.header('content-type') ?? '') : 'application/json';
  return {
    ...{ id: http.id, method: http.method, path: http.path, query: http.query, body, upload },
    header: (name) => (name === 'content-type' ? type : http.header(name)),
    headers: () => ({ ...http.headers(), 'content-type': type }),
    remoteAddress: () => http.remoteAddress(),
    receivedAt: http.receivedAt,
  };
}

/** Each record has a line end behind it, and none inside. */
const linesOf = (records: Uint8Array): readonly string[] => asBuffer(records).toString('utf8').split('\n').slice(0, -1);

/** Each alone is JSON: what scripts see is what is written. */
function whole(record: string, line: number | undefined): string {
  try {
    parseJson(Buffer.from(record));
    return record;
  } catch (error) {
    throw invalid(`Line ${line}: ${MillraceError.from(error).message}`, { line });
  }
}

const tooLarge = (bytes: number): MillraceError =>
  invalid(
    `A script wants to see these records before they are written, and they have more than ${bytes} bytes: send them in parts.`,
  );

const full = (): MillraceError => new MillraceError('overloaded', 'The server holds as many imports as it can.');
