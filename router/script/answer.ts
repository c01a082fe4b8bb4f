/** An answer that scripts may look at and change before it leaves. */
import type { Headers } from '../http/reply.ts';

export interface Answer {
  readonly status: number;
  /** All but the content type. */
  readonly headers: Headers;
  readonly contentType: string | undefined;
  readonly content: Uint8Array;
  /** The content is JSON, to be shown in the format that the client takes. */
  readonly isJson: boolean;
}
