/**
 * `wasi:config`: what the operator configured for the component, as texts.
 *
 * Guarantees
 *   CF1  A guest sees the configuration of its own component, and nothing else.
 *   CF2  The values do not change while an instance lives.
 * Limits      drafts only: `store@0.2.0-rc.1`, `store@0.2.0-draft` and `runtime@0.2.0-draft`.
 * Not here    reading the configuration (config/); environment variables (cli/).
 *
 * @module
 */
export { CONFIG_INTERFACES, CONFIG_VALUES, type ConfigValues, configValues } from './config.ts';
