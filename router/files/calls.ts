/** The API of file services: which call is which (files-and-scripting-api §1.2 to §1.9), done over the storage tier. */
import { MillraceError } from '#common/errors.ts';
import { isMultipart } from '../parse/multipart.ts';
import type { ScriptedCall } from '../script/scripted.ts';
import { sendBatch } from './batch.ts';
import { sendFetched } from './by-url.ts';
import { duringCall, type FileCall, type FileStore } from './call.ts';
import { sendDescription } from './describe.ts';
import { sendFileContent } from './download.ts';
import { sendNamedFolder, sendNewFolder } from './folders.ts';
import { sendFormUpload } from './form-upload.ts';
import { itemsOf } from './items.ts';
import { sendListing } from './listing.ts';
import { sendFileProperties, sendFolderProperties } from './properties.ts';
import { sendRemoval } from './remove.ts';
import { isSigned, type SignedUrls } from './signed-urls.ts';
import { isResumable } from './tus/protocol.ts';
import { sendAbilities, sendResumable } from './tus/uploads.ts';
import { sendNamedUpload, sendUpload } from './upload.ts';
import { sendZip } from './zip.ts';

export interface FileCallsInit {
  readonly store: FileStore;
  readonly signedUrls: SignedUrls;
  /** For the first word of an answer. */
  readonly requestTimeoutMs: number;
  /** For contents and for work on whole folders. */
  readonly exportTimeoutMs: number;
  /** Something was changed in the service of this name. */
  readonly onWritten?: (service: string) => void;
}

export class FileCalls {
  readonly #init: FileCallsInit;

  constructor(init: FileCallsInit) {
    this.#init = init;
  }

  get signedUrls(): SignedUrls {
    return this.#init.signedUrls;
  }

  /** Answers a call that is decided upon. @throws MillraceError */
  async serve(call: ScriptedCall): Promise<void> {
    await duringCall(call, this.#init.store, this.#init, (fileCall) => this.#serve(fileCall));
    if (call.request.verb !== 'GET') this.#init.onWritten?.(call.service.name);
  }

  async #serve(call: FileCall): Promise<void> {
    const { verb, http } = call.request;
    if (http.method === 'OPTIONS') return sendAbilities(call);
    if (isResumable(http)) return sendResumable(call);
    switch (verb) {
      case 'GET':
        return call.address.isFolder ? readFolder(call) : this.#readFile(call);
      case 'POST':
      case 'PUT':
        return call.address.isFolder ? writeFolder(call) : writeFile(call);
      case 'PATCH':
        return sendDescription(call);
      case 'DELETE':
        return sendRemoval(call);
      default:
        throw new MillraceError(
          'unsupported',
          `${verb} requests are not supported by the service '${call.service.name}'.`,
        );
    }
  }

  #readFile(call: FileCall): Promise<void> {
    const asProperties = call.request.query.flag('include_properties') && !isSigned(call.request);
    return asProperties ? sendFileProperties(call, this.signedUrls) : sendFileContent(call);
  }
}

function readFolder(call: FileCall): Promise<void> {
  const { query } = call.request;
  if (query.flag('zip')) return sendZip(call);
  return query.flag('include_properties') ? sendFolderProperties(call) : sendListing(call);
}

/** The first that fits (§1.4). */
function writeFolder(call: FileCall): Promise<void> {
  const { http, query } = call.request;
  const fileName = http.header('x-file-name');
  if (fileName) return sendNamedUpload(call, fileName);
  const folderName = http.header('x-folder-name');
  if (folderName) return sendNamedFolder(call, folderName);
  const url = query.get('url');
  if (url) return sendFetched(call, url);
  if (hasForm(call)) return sendFormUpload(call);
  const items = itemsOf(call.request);
  return items ? sendBatch(call, items) : sendNewFolder(call);
}

function writeFile(call: FileCall): Promise<void> {
  const { http, query } = call.request;
  if (hasForm(call)) return sendFormUpload(call);
  const url = query.get('url');
  const hasBody = http.upload !== undefined || http.body.length > 0;
  return url && !hasBody ? sendFetched(call, url) : sendUpload(call);
}

const hasForm = ({ request: { http } }: FileCall): boolean =>
  isMultipart(http.header('content-type')) && (http.upload !== undefined || http.body.length > 0);
