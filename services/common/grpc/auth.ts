/** The secret that tiers of one installation share: who does not know it is not one of us. */
import { timingSafeEqual } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';

const HEADER = 'x-millrace-token';

export function withToken(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token) metadata.set(HEADER, token);
  return metadata;
}

/** True where no token is configured, or the caller sent it. */
export function isTrusted(metadata: Metadata, token: string | undefined): boolean {
  if (!token) return true;
  const [sent] = metadata.get(HEADER);
  if (typeof sent !== 'string') return false;
  const a = Buffer.from(sent);
  const b = Buffer.from(token);
  return a.length === b.length && timingSafeEqual(a, b);
}
