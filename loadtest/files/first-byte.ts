/** How soon an answer begins, and how long it takes to its end. */
import { get } from 'node:http';
import type { RunScope } from '../process.ts';
import { requestSignal } from '../process.ts';

export interface Arrival {
  /** Milliseconds until the first byte of the content. */
  readonly firstMs: number;
  readonly wholeMs: number;
  readonly bytes: number;
}

/** @throws Error unless it is answered with 200 and comes to its end */
export function arrivalOf(scope: RunScope, url: string, headers: Readonly<Record<string, string>>): Promise<Arrival> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, signal: requestSignal(scope) }, (answer) => {
      let [firstMs, bytes] = [0, 0];
      answer.on('data', (piece: Buffer) => {
        if (bytes === 0) firstMs = performance.now() - begin;
        bytes += piece.length;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode !== 200) reject(new Error(`${url} was answered with ${answer.statusCode}.`));
        else resolve({ firstMs, wholeMs: performance.now() - begin, bytes });
      });
    });
    request.on('error', reject);
  });
}
