/** Settings that stores over HTTP have alike. */
import type { ConfigField } from '#common/config/field.ts';
import { text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid, type MillraceError } from '#common/errors.ts';

/** An address with http or https, without a slash at its end. @throws MillraceError invalid */
export function httpAddress(config: ServiceConfig, name: string): string | undefined {
  const address = text(config, name);
  if (address === undefined) return undefined;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.search || url.hash) {
    throw wrongSetting(name, 'an address that begins with http:// or https://');
  }
  return address.replace(/\/+$/, '');
}

export const missingSetting = (name: string): MillraceError =>
  invalid(`Setting '${name}' is missing.`, { field: name });

export const textField = (name: string, label: string, description: string, required = false): ConfigField => ({
  ...{ name, label, type: 'string', description, required, allow_null: !required },
});
