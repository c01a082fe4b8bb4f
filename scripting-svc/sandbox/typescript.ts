/** TypeScript without its types, every character in its place: what is taken away becomes blanks. */
import { createRequire } from 'node:module';
import type * as Stripper from '@swc/wasm-typescript';

const require = createRequire(import.meta.url);
// A large module: loaded when the first script needs it.
let stripper: typeof Stripper | undefined;

/** @returns undefined: it is no TypeScript either, or needs code for its types (enum, namespace, parameter properties) */
export function stripTypes(body: string, isModule: boolean): string | undefined {
  stripper ??= require('@swc/wasm-typescript') as typeof Stripper;
  const [head, tail] = isModule ? ['', ''] : ['async function _(){', '\n}'];
  try {
    const { code } = stripper.transformSync(head + body + tail, { mode: 'strip-only' });
    return code.slice(head.length, code.length - tail.length);
  } catch (error) {
    // It broke down, deep inside of some text: its memory is in no known state.
    if (error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError')) {
      delete require.cache[require.resolve('@swc/wasm-typescript')];
      stripper = undefined;
    }
    return undefined;
  }
}
