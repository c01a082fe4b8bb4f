/** Resumable uploads by tus 1.0 (tus.io/protocols/resumable-upload): which requests are of it, what their headers say. */
import type { Request } from '../../http/request.ts';

export const TUS_VERSION = '1.0.0';
/** The upload, in the query of its address. */
export const UPLOAD_PARAMETER = 'upload';
export const OFFSET_TYPE = 'application/offset+octet-stream';

/** Of anybody else's API nothing has this header. */
export const isResumable = (http: Request): boolean => http.header('tus-resumable') !== undefined;
