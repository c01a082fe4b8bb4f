/** Scripts as an administrator stores them. */
import type { Administer } from '../sides/millrace.ts';

/** Where one request takes so many records. */
const BATCH = 250;

const recordOf = (content: string) => ({ type: 'nodejs', is_active: true, allow_event_modification: true, content });

/** Binds a script to an event, or puts it in the place of the one that is bound there. */
export async function bind(administer: Administer, event: string, content: string): Promise<void> {
  await administer('POST', `/api/v2/system/event_script/${encodeURIComponent(event)}`, recordOf(content));
}

export async function bindAll(
  administer: Administer,
  scripts: readonly { readonly event: string; readonly content: string }[],
): Promise<void> {
  for (let begin = 0; begin < scripts.length; begin += BATCH) {
    const resource = scripts
      .slice(begin, begin + BATCH)
      .map(({ event, content }) => ({ name: event, ...recordOf(content) }));
    await administer('POST', '/api/v2/system/event_script', { resource });
  }
}
