/** Writes docs/nosql-matrix.md: `npm run matrix:nosql`. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { matrixPage } from './matrix.ts';

writeFileSync(resolve(import.meta.dirname, '../../../docs/nosql-matrix.md'), await matrixPage());
