/** The example application, built as its developers would, ready to be uploaded. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './build.ts';

const FOLDER = join(ROOT, 'examples/tasks-app');

/** @param base  the path that it is opened at, with a slash at its end. @returns contents by their paths in it */
export async function buildApplication(base: string, apiKey: string): Promise<Record<string, Uint8Array>> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: { main: join(FOLDER, 'main.jsx') },
    outdir: '/assets',
    entryNames: '[name]-[hash]',
    define: { APPLICATION: JSON.stringify({ base, apiKey }) },
    ...{ bundle: true, minify: true, write: false, format: 'esm', logLevel: 'warning' },
    ...{ jsx: 'automatic', jsxImportSource: 'preact' },
  });
  const files: Record<string, Uint8Array> = {};
  const names: Record<string, string> = { base };
  for (const { path, contents } of outputFiles) {
    const name = `assets/${basename(path)}`;
    files[name] = contents;
    names[path.endsWith('.css') ? 'style' : 'script'] = name;
  }
  const page = readFileSync(join(FOLDER, 'index.html'), 'utf8');
  files['index.html'] = Buffer.from(page.replace(/\{(base|style|script)\}/g, (_, name: string) => names[name] ?? ''));
  return files;
}
