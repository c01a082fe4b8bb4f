/** A setting of a service, described once: validates, fills forms, is the config_schema clients read, masks secrets. */

export type ConfigFieldType =
  | 'string'
  | 'text'
  | 'integer'
  | 'password'
  | 'boolean'
  | 'picklist'
  | 'multi_picklist'
  | 'array'
  | 'object';

/** Element of `config_schema` as clients read it (system-api §5.16). `password` fields are secrets. */
export interface ConfigField {
  readonly name: string;
  readonly label: string;
  readonly type: ConfigFieldType;
  readonly description: string;
  readonly default?: string | number | boolean | null;
  readonly required?: boolean;
  readonly allow_null?: boolean;
  readonly values?: readonly { label: string; name: string }[];
  readonly items?: 'string' | readonly ConfigField[];
  readonly object?: { key: { label: string; type: string }; value: { label: string; type: string } };
}

/** A service type as its connector announces it. */
export interface ServiceTypeDescription {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly group: string;
  readonly singleton: boolean;
  readonly configFields: readonly ConfigField[];
}
