/** Verbs of a CORS rule: stored as a mask, read as names (system-api §5.12). */
import { invalid } from '#common/errors.ts';

const VERBS: readonly (readonly [verb: string, bit: number])[] = [
  ['GET', 1],
  ['POST', 2],
  ['PUT', 4],
  ['PATCH', 8],
  ['DELETE', 16],
  ['OPTIONS', 32],
  ['HEAD', 64],
];

export const ALL_VERBS_MASK = 31;
const MASK_MAX = 127;

export const verbNames = (mask: number): string[] => VERBS.flatMap(([verb, bit]) => (mask & bit ? [verb] : []));

/** @param input names, a comma list of names, or the mask  @throws MillraceError invalid */
export function acceptVerbs(input: unknown): number {
  if (input === null || input === '') return 0;
  const mask = typeof input === 'string' && /^\d+$/.test(input) ? Number(input) : input;
  if (typeof mask === 'number') return Number.isInteger(mask) && mask >= 0 && mask <= MASK_MAX ? mask : refuse();
  const names = typeof mask === 'string' ? mask.split(',') : mask;
  if (!Array.isArray(names)) return refuse();
  return names.reduce<number>((sum, name) => {
    const known = VERBS.find(([verb]) => verb === String(name).trim().toUpperCase());
    return known ? sum | known[1] : refuse();
  }, 0);
}

function refuse(): never {
  const message = `The method field must be a list of ${VERBS.map(([verb]) => verb).join(', ')}.`;
  throw invalid(`Invalid data supplied. ${message}`, { method: [message] });
}
