/** The storage tier, with a word to the files in memory whenever something is written through this router. */
import type { FileContext } from '#common/files/client.ts';
import type { FileStore } from '../files/call.ts';
import type { HotFiles } from './hot-files.ts';

/** Calls that may change what there is. Whoever asks how far an upload is may bring it to its end. */
const WRITING = ['write', 'unpack', 'change', 'fetch', 'appendUpload', 'getUpload'] as const;

export function watchedStore(store: FileStore, hot: HotFiles): FileStore {
  const watched = (name: (typeof WRITING)[number]) => {
    const call = store[name].bind(store) as (context: FileContext, ...rest: unknown[]) => Promise<unknown>;
    return async (context: FileContext, ...rest: unknown[]): Promise<unknown> => {
      try {
        return await call(context, ...rest);
      } finally {
        hot.written(context.service ?? '');
      }
    };
  };
  const writing = Object.fromEntries(WRITING.map((name) => [name, watched(name)]));
  const reading = (name: string) => (store[name as keyof FileStore] as (...all: never[]) => unknown).bind(store);
  const others = ['stat', 'list', 'read', 'pack', 'beginUpload', 'endUpload'].map((name) => [name, reading(name)]);
  return { ...Object.fromEntries(others), ...writing } as FileStore;
}
