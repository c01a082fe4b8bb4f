/** Views of a store's own (database-api §9.2): who names a design and a view reads its rows in the place of records. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import { invalid } from '#common/errors.ts';
import { stringifyJson } from '#common/json.ts';
import type { Value, ViewSchema } from '#proto/data/v1/data_pb.ts';
import type { ApiRequest } from './api-request.ts';
import { flagOption, textValue } from './options.ts';

/** What is said of the rows; the store knows what each means. */
const OF_ROWS = [
  ...['key', 'keys', 'startkey', 'start_key', 'endkey', 'end_key', 'startkey_docid', 'endkey_docid', 'inclusive_end'],
  ...['descending', 'include_docs', 'reduce', 'group', 'group_level'],
];
/** Of records, which rows are not. */
const OF_RECORDS = ['ids', 'order', 'having', 'related', 'after', 'count_only'];

const VIEW_OPTIONS: ReadonlySet<string> = new Set(['design', 'view', ...OF_ROWS]);

const asksForView = (request: ApiRequest): boolean =>
  request.option('design') !== undefined && request.option('view') !== undefined;

/** Has this option a meaning in a request that names a view? */
export const isViewOption = (name: string, request: ApiRequest): boolean =>
  VIEW_OPTIONS.has(name) && asksForView(request);

/**
 * @param parameters  its options become one of them
 * @returns undefined where no view is named, as by programs for which `view` is a word of their own
 * @throws MillraceError invalid that names an option which rows do not have
 */
export function viewOf(request: ApiRequest, parameters: Value[]): MessageInitShape<typeof ViewSchema> | undefined {
  if (!asksForView(request)) return undefined;
  const misplaced = OF_RECORDS.find((name) =>
    name === 'count_only' ? flagOption(request, name) : request.option(name) !== undefined,
  );
  if (misplaced !== undefined) {
    throw invalid(`'${misplaced}' does not go with a view: its rows are as the database has them.`, {
      field: misplaced,
    });
  }
  const options = OF_ROWS.flatMap((name) => {
    const value = request.option(name);
    return value === undefined ? [] : [[name, typeof value === 'string' ? value : stringifyJson(value)]];
  });
  parameters.push(textValue(JSON.stringify(Object.fromEntries(options))));
  return {
    design: String(request.option('design')),
    name: String(request.option('view')),
    options: parameters.length - 1,
  };
}
