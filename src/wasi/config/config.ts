import { asText, defineInterfaces, type Guest, type Ok, ok, PartKey } from '../guest/index.ts';

/** The configuration of one component: texts by name. */
export type ConfigValues = ReadonlyMap<string, string>;

const NO_VALUES: ConfigValues = new Map();

/** Given to guests that have a configuration; the same for all guests of one component. */
export const CONFIG_VALUES = new PartKey<ConfigValues>('config', { make: () => NO_VALUES });

/** Nothing here fails: the values are at hand. */
const FUNCTIONS = {
  get(this: Guest, key: unknown): Ok<string | undefined> {
    return ok(this.part(CONFIG_VALUES).get(asText(key)));
  },
  'get-all'(this: Guest): Ok<readonly (readonly [string, string])[]> {
    return ok([...this.part(CONFIG_VALUES)]);
  },
};

/**
 * `wasi:config` by the names under which toolchains know it: it was called `runtime` first, and its versions are drafts,
 * each compatible with itself alone.
 */
export const CONFIG_INTERFACES = defineInterfaces({
  'wasi:config/runtime@0.2.0-draft': FUNCTIONS,
  'wasi:config/store@0.2.0-draft': FUNCTIONS,
  'wasi:config/store@0.2.0-rc.1': FUNCTIONS,
});

/**
 * The texts that a guest sees of a table of configuration: texts as they are, numbers and truth values in decimal and as
 * `true` and `false`, dates as in TOML, a list as JSON, and what is in a table by its path: `retry.max`. Where two have the same
 * path, the first counts.
 */
export function configValues(table: Readonly<Record<string, unknown>>): ConfigValues {
  const values = new Map<string, string>();
  addTable(values, '', table);
  return values;
}

function addTable(values: Map<string, string>, prefix: string, table: object): void {
  for (const [name, value] of Object.entries(table)) {
    const path = `${prefix}${name}`;
    if (isTable(value)) addTable(values, `${path}.`, value);
    else if (!values.has(path) && value !== undefined && value !== null) values.set(path, toText(value));
  }
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function toText(value: unknown): string {
  if (Array.isArray(value)) return JSON.stringify(value);
  // TOML's dates keep in this form what they were written with: a day has no time, a local time no zone.
  return value instanceof Date ? value.toISOString() : String(value);
}
